"""How long commands take before they begin to work: seconds of CPU, beside bare Python.

    python benches/bench_commands.py [--repeats 5]

What should be seen: `--help` takes less than 0.6 s, and less than twice what its library takes.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys

PROGRAM = ("-m", "vltflow")
COMMANDS = {
    "python": ("-c", ""),
    "typer and rich": ("-c", "import typer.main, typer.rich_utils"),
    "vltflow --version": (*PROGRAM, "--version"),
    "vltflow --help": (*PROGRAM, "--help"),
    "vltflow status --help": (*PROGRAM, "status", "--help"),
    "vltflow validate --help": (*PROGRAM, "validate", "--help"),
    "vltflow night --help": (*PROGRAM, "night", "--help"),
}


def cpu(arguments: tuple[str, ...]) -> float:
    """CPU time of a Python process, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    for name, arguments in COMMANDS.items():
        print(f"{name:26}{statistics.median(cpu(arguments) for _ in range(repeats)):5.2f} s")


if __name__ == "__main__":
    main()
