"""Speed of the simulator: frames against writing the same bytes, header records against astropy."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from astropy.io import fits

from vltflow.simulate import headers_only, simulate_day
from vltflow.simulate.cards import header_bytes
from vltflow.simulate.models import model
from vltflow.simulate.plan import PlannedFrame


def small_day() -> dict[str, float | str]:
    with tempfile.TemporaryDirectory() as folder:
        simulate_day("uves", "2015-02-26", Path(folder), small=True)  # compiles
        start = time.perf_counter()
        day = simulate_day("uves", "2015-02-27", Path(folder), small=True)
        taken = time.perf_counter() - start
        contents = [path.read_bytes() for path in day.files]
        start = time.perf_counter()
        for number, content in enumerate(contents):
            with (Path(folder) / f"{number}.copy").open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        limit = time.perf_counter() - start
    return {"what": "small day", "seconds": taken, "limit": "writing the bytes", "peer": limit}


def records(nights: int) -> dict[str, float | str]:
    first = date(2005, 1, 1)
    dates = [(first + timedelta(number)).isoformat() for number in range(nights)]
    start = time.perf_counter()
    count = sum(1 for _ in headers_only("uves", dates))
    taken = time.perf_counter() - start
    instrument = model("uves")
    template = instrument.templates(dates[0])[0]
    layouts = [
        instrument.layout(chip, template.setup, small=False)
        for chip in instrument.chips(template.setup)
    ]
    text = header_bytes(instrument.cards(PlannedFrame(dates[0], template, 1, "X"), layouts)[0])
    start = time.perf_counter()
    for _ in range(20):
        dict(fits.Header.fromstring(text).items())
    peer = (time.perf_counter() - start) / 20 * count
    return {"what": f"{count} records", "seconds": taken, "limit": "astropy parsing", "peer": peer}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [small_day(), records(100), records(1000)]
    print(f"{'what':<18}{'seconds':>10}  {'against':<20}{'seconds':>10}{'ratio':>10}")
    for row in rows:
        row["ratio"] = float(row["seconds"]) / float(row["peer"])
        print(f"{row['what']:<18}{row['seconds']:>10.3f}  {row['limit']:<20}"
              f"{row['peer']:>10.3f}{row['ratio']:>10.4f}")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
