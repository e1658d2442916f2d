"""`vltflow simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vltflow.cli.options import checked_night, commands
from vltflow.cli.output import console, progress
from vltflow.simulate import DEFECTS, INSTRUMENTS, chosen_science, sciences, simulate_day

app = commands()

_ONLY_HELP = "Comma-separated raw types, such as BIAS_BLUE,FLAT_BLUE; the whole day, if not given."
_SCIENCE_HELP = (
    "Comma-separated science with its calibrations, instead of the night's own: "
    + "; ".join(f"{name}: {', '.join(known)}" for name, known in sciences().items())
    + "."
)
_DEFECT_HELP = "Comma-separated defects: " + ", ".join(sorted(DEFECTS)) + "."


@app.command()
def simulate(
    instrument: Annotated[str, typer.Argument(help="One of: " + ", ".join(INSTRUMENTS) + ".")],
    night: Annotated[str, typer.Argument(help="Date of the evening: 2015-02-26.")],
    out: Annotated[Path, typer.Option(help="Folder for raw frames and their truth.")],
    seed: Annotated[
        int, typer.Option(help="Another seed, another noise; the same seed, the same bytes.")
    ] = 1,
    small: Annotated[
        bool, typer.Option("--small", help="The same day with small detectors, in seconds.")
    ] = False,
    defects: Annotated[str, typer.Option(help=_DEFECT_HELP, show_default=False)] = "",
    science: Annotated[str, typer.Option(help=_SCIENCE_HELP, show_default=False)] = "",
    window: Annotated[
        bool,
        typer.Option(
            "--window", help="With --science: some orders only, no star in the blue ones."
        ),
    ] = False,
    only: Annotated[str, typer.Option(help=_ONLY_HELP, show_default=False)] = "",
) -> None:
    """Make the raw frames of a day, with the truth about them beside each."""
    checked_night(night)
    with progress(f"simulate {instrument} {night}") as tell:
        day = simulate_day(
            instrument,
            night,
            out,
            seed=seed,
            small=small,
            defects=_names(defects),
            raw_types=_names(only),
            templates=chosen_science(instrument, night, _names(science), window=window),
            progress=tell,
        )
    console().print(f"{len(day.files)} raw frames of {len(day.blocks)} ABs in {out}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
