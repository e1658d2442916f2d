"""How fast FITS files are scanned, checked, read and written, against peers on the same bytes.

Run ``python benches/bench_fits.py [--json PATH] [--small]``. Times are the best of several
runs, in CPU seconds of this process; ratios are the peer's time over ours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from astropy.io import fits as astropy_fits

from vltflow.fits import RawImage, inspect, scan, write_product
from vltflow.fits.cards import parse_header
from vltflow.fits.lzw import open_lzw

CARDS = 350


def best(function: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def header_text(number: int, distinct: float) -> str:
    """350 ESO-like cards, of which a share `distinct` has values of its own."""
    own, shared = random.Random(number), random.Random(0)
    cards = []
    for place in range(CARDS):
        values = own if shared.random() < distinct else random.Random(place)
        group = shared.choice(["DET", "INS", "TEL", "OBS", "TPL"])
        kind = shared.random()
        if kind < 0.25:
            value = str(values.randrange(10**6))
        elif kind < 0.6:
            value = f"{values.uniform(-1e3, 1e3):.5f}"
        elif kind < 0.95:
            value = f"'{values.getrandbits(60):x}'"
        else:
            value = values.choice("TF")
        card = f"HIERARCH ESO {group} PART{place} {shared.choice(['NAME', 'VAL'])} = {value}"
        cards.append(f"{card} / what it means"[:80].ljust(80))
    return "".join(cards)


def parse_all(texts: list[str]) -> None:
    for text in texts:
        parse_header(text)


def parse_all_by_astropy(texts: list[str]) -> None:
    for text in texts:
        dict(astropy_fits.Header.fromstring(text).items())


def bench_headers(rows: list[dict], count: int) -> None:
    for share in (1.0, 0.25):
        texts = [header_text(number, share) for number in range(count)]
        ours = best(partial(parse_all, texts), 3)
        theirs = best(partial(parse_all_by_astropy, texts), 1)
        rows.append(
            {
                "what": f"{count} headers of {CARDS} cards, {share:.0%} of them distinct",
                "peer": "astropy, all values",
                "ours_ms": ours / count * 1e3,
                "peer_ms": theirs / count * 1e3,
            }
        )


def read_and_hash(path: Path) -> None:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(1 << 18))
    with path.open("rb", 0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])


def bench_pixels(rows: list[dict], folder: Path, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).normal(200, 3, shape).astype(np.uint16)
    header = astropy_fits.Header.fromstring(header_text(1, 1.0))
    for checksum in (False, True):
        path = folder / f"frame{checksum}.fits"
        astropy_fits.PrimaryHDU(pixels, header).writeto(path, checksum=checksum)
        words = "with" if checksum else "without"
        rows.append(
            {
                "what": f"inspect a frame of {path.stat().st_size / 1e6:.1f} MB {words} checksums",
                "peer": "read and sha256 only",
                "ours_ms": best(lambda path=path: inspect(path)) * 1e3,
                "peer_ms": best(lambda path=path: read_and_hash(path)) * 1e3,
            }
        )
    rows.append(
        {
            "what": "scan its headers only",
            "peer": "astropy open + all values",
            "ours_ms": best(lambda: scan(path), 20) * 1e3,
            "peer_ms": best(lambda: dict(astropy_fits.getheader(path).items())) * 1e3,
        }
    )
    with RawImage(path) as image:
        rows.append(
            {
                "what": "all rows as uint16",
                "peer": "astropy getdata",
                "ours_ms": best(image.rows) * 1e3,
                "peer_ms": best(lambda: astropy_fits.getdata(path).sum) * 1e3,
            }
        )
    bench_lzw(rows, path)
    bench_writing(rows, folder, shape)


def bench_lzw(rows: list[dict], path: Path) -> None:
    if not (shutil.which("compress") and shutil.which("gzip")):
        return
    packed = path.with_suffix(".fits.Z")
    with packed.open("wb") as file:
        subprocess.run(["compress", "-c", path], stdout=file, check=True)
    open_lzw(packed).read()
    start = time.perf_counter()
    subprocess.run(["gzip", "-dc", packed], stdout=subprocess.DEVNULL, check=True)
    peer = time.perf_counter() - start
    rows.append(
        {
            "what": f"unpack {packed.stat().st_size / 1e6:.1f} MB of .Z",
            "peer": "gzip -dc (wall time)",
            "ours_ms": best(lambda: open_lzw(packed).read()) * 1e3,
            "peer_ms": peer * 1e3,
        }
    )


def bench_writing(rows: list[dict], folder: Path, shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(2)
    arrays = [generator.normal(0, 1, shape).astype(np.float32) for _ in range(3)]

    def hdus() -> list:
        return [astropy_fits.PrimaryHDU(arrays[0]), *map(astropy_fits.ImageHDU, arrays[1:])]

    def theirs() -> None:
        path = folder / "theirs.fits"
        astropy_fits.HDUList(hdus()).writeto(path, checksum=True, overwrite=True)

    rows.append(
        {
            "what": f"write {sum(a.nbytes for a in arrays) / 1e6:.0f} MB with checksums and fsync",
            "peer": "astropy writeto(checksum=True), no fsync",
            "ours_ms": best(lambda: write_product(folder / "ours.fits", hdus())) * 1e3,
            "peer_ms": best(theirs) * 1e3,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--small", action="store_true", help="small frames, few headers")
    arguments = parser.parse_args()
    rows: list[dict] = []
    for count in (20, 200) if arguments.small else (100, 1000):
        bench_headers(rows, count)
    with tempfile.TemporaryDirectory() as folder:
        bench_pixels(rows, Path(folder), (300, 215) if arguments.small else (3000, 2148))
    print(f"{'what':58} {'ours ms':>9} {'peer ms':>9} {'ratio':>7}  peer")
    for row in rows:
        row["ratio"] = row["peer_ms"] / row["ours_ms"]
        print(
            f"{row['what']:58} {row['ours_ms']:9.3f} {row['peer_ms']:9.3f}"
            f" {row['ratio']:7.2f}  {row['peer']}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
