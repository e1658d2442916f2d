"""Speed and memory of the detector recipes on full blue UVES frames.

Frames lie as real raw files do (FITS, big-endian, BZERO 32768, 350 cards) and are read again
for each run. Ratios are against copying the same bytes out of the page cache, and against numpy
doing the same stack in memory. A whole job goes through the executor into a warm worker: frames
read, recipe, product with checksums and figures written, flushed and hashed, log and result;
its ratio is against writing and flushing the bytes of its product. Keeping the files in the
vault is the scheduler's part and stands beside it.

    python benches/bench_recipes.py [--json PATH] [--rows 3000] [--counts 5 50]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vltflow.core.site import create_site
from vltflow.process.executors.interface import JobSpec
from vltflow.process.executors.local import LocalExecutor
from vltflow.process.result import read_result
from vltflow.recipes import Chip, MasterImage, RecipeInputs, find_recipe
from vltflow.store import Vault

COLUMNS = 2148
CARDS = 350
REPEATS = 5
JOBS = 7
BLUE = Chip("BLUE", 1, 50, 50, (1, 1), 1.84, 3.8, 65000.0, 3)


@dataclass(frozen=True)
class RawFile:
    """One unscaled 16 bit image at a known offset of a file."""

    path: Path
    shape: tuple[int, int]
    offset: int
    header: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.path.name

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Physical values of some rows."""
        columns = self.shape[1]
        raw = np.empty((stop - start, columns), np.uint16)
        with self.path.open("rb", buffering=0) as stream:
            stream.seek(self.offset + 2 * columns * start)
            stream.readinto(raw)
        raw.byteswap(inplace=True)
        raw ^= 0x8000
        return raw


def header_bytes(number: int, rows: int) -> bytes:
    """A header with the cards that recipes need and as many others as a real one has."""
    cards = [
        *("SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 2", f"NAXIS1  = {COLUMNS}"),
        *(f"NAXIS2  = {rows}", "BSCALE  = 1", "BZERO   = 32768", "INSTRUME= 'UVES    '"),
        *(f"MJD-OBS = {57080.5 + number / 1440!r}", "EXPTIME = 0.0"),
        *("HIERARCH ESO DPR CATG = 'CALIB'", "HIERARCH ESO DPR TECH = 'IMAGE'"),
        *("HIERARCH ESO DET OUT1 PRSCX = 50", "HIERARCH ESO DET OUT1 OVSCX = 50"),
        *(f"HIERARCH ESO DET OUT1 CONAD = {BLUE.conad}", f"HIERARCH ESO DET OUT1 RON = {BLUE.ron}"),
        *("HIERARCH ESO DET WIN1 BINX = 1", "HIERARCH ESO DET WIN1 BINY = 1"),
    ]
    cards += [
        f"HIERARCH ESO {('DET', 'INS', 'TEL')[place % 3]} PART{place} VAL = {place / 7:.5f} / unit"
        for place in range(len(cards), CARDS)
    ]
    text = "".join(card.ljust(80) for card in [*cards, "END"])
    return text.encode().ljust(-(-len(text) // 2880) * 2880)


def write_frames(folder: Path, count: int, rows: int) -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 2.1, (rows, COLUMNS)).astype(np.float32)
    for number in range(count):
        drift = 150 + 0.3 * number
        data = np.rint(np.roll(noise, 997 * number, axis=1) + drift).astype(np.uint16)
        with (folder / f"bias{number:03d}.fits").open("wb") as stream:
            stream.write(header_bytes(number, rows))
            (data ^ 0x8000).byteswap().tofile(stream)
            stream.write(bytes(-stream.tell() % 2880))


def open_frames(folder: Path, count: int, rows: int, exptime: float = 0.0) -> tuple[RawFile, ...]:
    return tuple(
        RawFile(
            folder / f"bias{number:03d}.fits",
            (rows, COLUMNS),
            len(header_bytes(number, rows)),
            header={"EXPTIME": exptime, "MJD-OBS": 57080.5 + number / 1440},
        )
        for number in range(count)
    )


def best(function, repeats: int = REPEATS) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def measure(folder: Path, count: int, rows: int) -> dict[str, float]:
    """Run in a process of its own, so that the peak memory is that of this case."""
    frames = open_frames(folder, count, rows)
    recipe = find_recipe("detector.master_bias")
    inputs = RecipeInputs(frames, {}, BLUE)
    parameters = recipe.parameters()
    begin = time.perf_counter()
    recipe.process(inputs, parameters)
    first = time.perf_counter() - begin
    used = time.process_time()
    warm = best(lambda: recipe.process(inputs, parameters))
    cpu = (time.process_time() - used) / REPEATS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    reading = best(lambda: [path.path.read_bytes() for path in frames])
    return {"frames": count, "first_s": first, "warm_s": warm, "cpu_s": cpu,
            "peak_mb": peak, "read_s": reading}  # fmt: skip


def job_spec(number: int, frames: list[Path], work: Path, vault: str) -> JobSpec:
    """What the scheduler asks of a worker for one AB of biases."""
    recipe = find_recipe("detector.master_bias")
    raws = [
        {"frame_id": f"{place:064x}", "name": path.stem, "url": str(path),
         "size": path.stat().st_size, "raw_type": "BIAS_BLUE", "repairs": {}}
        for place, path in enumerate(frames)
    ]  # fmt: skip
    made = {"role": "MASTER_BIAS", "category": "MASTER_BIAS_BLUE", "main": True}
    chip = {"name": "BLUE", "extension": 0, "output": 1, "saturation": 65000.0,
            "quarter_turns": 3, "mirrored": False, "products": [made]}  # fmt: skip
    payload = {
        "native": recipe.name,
        "version": recipe.version,
        "parameters": recipe.parameters().model_dump(mode="json"),
        "context": "bench",
        "vault": vault,
        "frames": raws,
        "masters": [],
        "chips": [chip],
    }
    cores = min(2, os.cpu_count() or 1)
    name = f"job{number}"
    return JobSpec(name, recipe.name, "native", str(work / name), cores, 1100, 600, payload)


def measure_jobs(folder: Path, count: int) -> dict[str, float]:
    """Whole jobs one after the other in one warm worker; the first two warm it up."""
    with tempfile.TemporaryDirectory() as name:
        site = create_site(Path(name), cores=min(2, os.cpu_count() or 1), memory_mb=4000)
        vault = Vault(site.vault)
        frames = [folder / f"bias{number:03d}.fits" for number in range(count)]
        jobs, keeps, peaks, size = [], [], [], 0
        with LocalExecutor(site) as executor:
            for number in range(2 + JOBS):
                spec = job_spec(number, frames, site.work, site.vault)
                begin = time.perf_counter()
                executor.submit(spec)
                while not executor.ping(1.0).ended:
                    pass
                outcome = executor.collect(spec.job_id)
                jobs.append(time.perf_counter() - begin)
                result = read_result(outcome.folder, spec.job_id)
                assert result is not None, outcome.error
                assert result.state == "SUCCEEDED", result.error
                peaks.append(result.peak_mb or 0.0)
                begin = time.perf_counter()
                for made in result.products:
                    vault.move_file(outcome.folder / made.file)
                    vault.move_file(outcome.folder / made.figures)
                    size = made.size
                keeps.append(time.perf_counter() - begin)
        flush = best(lambda: write_and_flush(Path(name) / "peer", size))
    jobs, keeps, peaks = sorted(jobs[2:]), sorted(keeps[2:]), peaks[2:]
    return {"job_s": jobs[JOBS // 2], "job_best_s": jobs[0], "job_worst_s": jobs[-1],
            "keep_s": keeps[JOBS // 2], "job_peak_mb": max(peaks), "flush_s": flush}  # fmt: skip


def write_and_flush(path: Path, size: int) -> None:
    with path.open("wb", buffering=0) as sink:
        sink.write(bytes(size))
        os.fsync(sink.fileno())
    path.unlink()


def numpy_median(folder: Path, count: int, rows: int) -> float:
    frames = open_frames(folder, count, rows)

    def stack() -> None:
        np.median(np.stack([frame.rows(0, rows)[:, 50:-50] for frame in frames]), axis=0)

    return best(stack, repeats=1)


def measure_all(folder: Path, rows: int) -> list[dict[str, float]]:
    """Times of the other recipes, five frames."""
    bias = find_recipe("detector.master_bias")
    made = bias.process(RecipeInputs(open_frames(folder, 5, rows), {}, BLUE), bias.parameters())
    product = made.products[0]
    cards = {**product.header, **{f"ESO {name}": value for name, value in product.qc.items()}}
    master = MasterImage(product.data - 100, product.variance, product.quality, cards)
    cards["ESO DRS OVSC LEVEL"] -= 100
    result = []
    for name in ("detector.master_dark", "detector.master_flat"):
        recipe = find_recipe(name)
        frames = open_frames(folder, 5, rows, exptime=60.0)
        # The overscan is as bright as the light: leave its correction out, so light remains.
        plain = MasterImage(master.data, master.variance, master.quality, {})
        inputs = RecipeInputs(frames, {"MASTER_BIAS": plain}, BLUE)
        recipe.process(inputs, recipe.parameters())
        warm = best(lambda r=recipe, i=inputs: r.process(i, r.parameters()), repeats=3)
        result.append({"recipe": name, "warm_s": warm})
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--counts", type=int, nargs="+", default=[5, 50])
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "COUNT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(Path(given.one[0]), int(given.one[1]), given.rows)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_frames(folder, max(given.counts), given.rows)
        results = []
        for count in given.counts:
            call = [sys.executable, __file__, "--rows", str(given.rows), "--one", name, str(count)]
            answer = subprocess.run(call, check=True, capture_output=True, text=True)
            results.append(json.loads(answer.stdout) | measure_jobs(folder, count))
        peer = numpy_median(folder, given.counts[0], given.rows)
        others = measure_all(folder, given.rows)
    report(results, peer, others, given.rows)
    if given.json:
        content = {"bias": results, "numpy_median_s": peer, "others": others, "rows": given.rows}
        given.json.write_text(json.dumps(content, indent=2))


def report(results: list[dict], peer: float, others: list[dict], rows: int) -> None:
    print(f"{os.cpu_count()} cores, blue frames of {rows} x {COLUMNS} pixels, 16 bit")
    print(
        f"{'frames':>6} {'first s':>8} {'warm s':>8} {'cpu s':>8} {'x reading':>10} {'peak MB':>8}"
    )
    for case in results:
        ratio = case["warm_s"] / case["read_s"]
        print(
            f"{case['frames']:6d} {case['first_s']:8.2f} {case['warm_s']:8.3f} "
            f"{case['cpu_s']:8.3f} "
            f"{ratio:10.1f} {case['peak_mb']:8.0f}"
        )
    print(
        f"{'frames':>6} {'job s':>8} {'best':>8} {'worst':>8} {'x reading and flushing':>22}"
        f" {'keep s':>8} {'peak MB':>8}   (whole jobs in a warm worker, median of {JOBS})"
    )
    for case in results:
        ratio = case["job_s"] / (case["read_s"] + case["flush_s"])
        print(
            f"{case['frames']:6d} {case['job_s']:8.3f} {case['job_best_s']:8.3f}"
            f" {case['job_worst_s']:8.3f} {ratio:22.1f} {case['keep_s']:8.3f}"
            f" {case['job_peak_mb']:8.0f}"
        )
    first, last = results[0], results[-1]
    print(f"numpy.median alone, {first['frames']} frames: {peer:.2f} s, "
          f"{peer / first['warm_s']:.1f} times our whole recipe")  # fmt: skip
    print(f"memory of {last['frames']} frames / {first['frames']} frames: "
          f"{last['peak_mb'] / first['peak_mb']:.2f}, of whole jobs "
          f"{last['job_peak_mb'] / first['job_peak_mb']:.2f}")  # fmt: skip
    for case in others:
        print(f"{case['recipe']}, 5 frames: {case['warm_s']:.3f} s")


if __name__ == "__main__":
    main()
