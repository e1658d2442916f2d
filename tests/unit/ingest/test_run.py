"""Files in, frames and refusals in the store."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from astropy.io import fits

from vltflow import ingest
from vltflow.core.errors import VltflowError
from vltflow.fits import inspect
from vltflow.ingest import IngestReport
from vltflow.instruments import Instrument
from vltflow.records import Quarantined, RawFrame
from vltflow.store import Store


def frames(store: Store) -> dict[str, RawFrame]:
    with store.read() as tx:
        return {frame.name: frame for frame in tx.frames.find()}


def quarantine(store: Store) -> dict[str, Quarantined]:
    with store.read() as tx:
        return {refused.location: refused for refused in tx.quarantine.find()}


def counts(report: IngestReport) -> tuple[int, int, int]:
    return len(report.new), len(report.known), len(report.rejected)


def test_new_frames_are_registered_with_their_headers(store, instrument, write_frame) -> None:
    paths = [write_frame(number) for number in range(3)]
    report = ingest.run(store, [instrument], [paths[0].parent])
    assert counts(report) == (3, 0, 0)
    assert [arrival.location for arrival in report.new] == [str(path) for path in paths]
    registered = frames(store)
    assert {frame.location for frame in registered.values()} == {str(path) for path in paths}
    first = registered[report.new[0].name]
    assert first.frame_id == inspect(paths[0]).fingerprint == report.new[0].frame_id
    with store.read() as tx:
        (header,) = tx.frames.headers(first.frame_id)
    assert header["ESO DPR TYPE"] == "BIAS"
    assert header["NAXIS1"] == 50


def test_second_ingestion_finds_everything_known(store, instrument, write_frame) -> None:
    folder = write_frame(1).parent
    ingest.run(store, [instrument], [folder])
    before = frames(store)
    assert counts(ingest.run(store, [instrument], [folder])) == (0, 1, 0)
    assert frames(store) == before


def test_same_frame_twice_in_one_batch_is_one_frame(sqlite_store, instrument, write_frame) -> None:
    path = write_frame(1)
    shutil.copy(path, path.parent / "copy.fits")
    (path.parent / "packed.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    report = ingest.run(sqlite_store, [instrument], [path.parent])
    assert counts(report) == (1, 2, 0)
    assert len(frames(sqlite_store)) == 1
    assert "same frame as" in report.known[0].reason


def test_compressed_image_of_a_known_frame_is_the_same_frame(
    sqlite_store, instrument, write_frame
) -> None:
    plain, compressed = write_frame(1), write_frame(1, "frame001.fits.fz")
    assert counts(ingest.run(sqlite_store, [instrument], [plain])) == (1, 0, 0)
    report = ingest.run(sqlite_store, [instrument], [compressed])
    assert counts(report) == (0, 1, 0)
    assert report.known[0].frame_id == inspect(plain).fingerprint
    assert frames(sqlite_store)[report.known[0].name].location == str(plain)


def test_plain_frame_behind_its_compressed_image_is_known(
    sqlite_store, instrument, write_frame
) -> None:
    write_frame(1, "a.fits.fz")
    folder = write_frame(1, "b.fits").parent
    assert counts(ingest.run(sqlite_store, [instrument], [folder])) == (1, 1, 0)


def test_compressed_image_with_other_pixels_is_in_conflict(
    sqlite_store, instrument, write_frame
) -> None:
    plain = write_frame(1)
    with fits.open(plain) as opened:
        header, pixels = opened[0].header, opened[0].data.copy()
    pixels[3, 3] += 1
    other = plain.parent / "other.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, header)]).writeto(other)
    ingest.run(sqlite_store, [instrument], [plain])
    assert counts(ingest.run(sqlite_store, [instrument], [other])) == (0, 0, 1)
    assert quarantine(sqlite_store)[str(other)].code == "conflict"


def test_changed_file_under_a_known_name_is_reported(store, instrument, write_frame) -> None:
    path = write_frame(1)
    ingest.run(store, [instrument], [path])
    before = frames(store)
    other = write_frame(1, "other.fits", {"EXPTIME": 1.0})
    report = ingest.run(store, [instrument], [other])
    assert counts(report) == (0, 0, 1)
    assert report.rejected[0].code == "conflict"
    assert f"differs from the frame of this name at {path}" in report.rejected[0].reason
    assert frames(store) == before


def test_file_changed_in_its_place_is_reported(sqlite_store, instrument, write_frame) -> None:
    path = write_frame(1)
    ingest.run(sqlite_store, [instrument], [path])
    path.unlink()
    write_frame(1, path.name, {"EXPTIME": 1.0})
    report = ingest.run(sqlite_store, [instrument], [path])
    assert "this file was changed since it was ingested" in report.rejected[0].reason
    assert next(iter(frames(sqlite_store).values())).exptime == 0.0


def test_moved_frame_is_found_at_its_new_place(store, instrument, write_frame, tmp_path) -> None:
    path = write_frame(1)
    ingest.run(store, [instrument], [path])
    moved = shutil.move(path, tmp_path / "moved.fits")
    report = ingest.run(store, [instrument], [moved])
    assert counts(report) == (0, 1, 0)
    assert "now registered here" in report.known[0].reason
    assert next(iter(frames(store).values())).location == str(moved)


def test_each_bad_file_has_its_reason_and_the_rest_goes_on(store, instrument, write_frame) -> None:
    good = write_frame(0)
    folder = good.parent
    content = good.read_bytes()
    (folder / "truncated.fits").write_bytes(content[:-2880])
    (folder / "empty.fits").touch()
    (folder / "text.fits").write_text("hello\n" * 500)
    (folder / "damaged.fits.gz").write_bytes(gzip.compress(content)[:-50])
    write_frame(1, "foreign.fits", {"INSTRUME": "FORS2"})
    write_frame(2, "incomplete.fits", {"HIERARCH ESO DPR TYPE": None})
    write_frame(3, "wrong.fits", {"EXPTIME": -5.0})
    report = ingest.run(store, [instrument], [folder])
    assert counts(report) == (1, 0, 7)
    kept = {Path(place).name: refused for place, refused in quarantine(store).items()}
    expected = {
        "truncated.fits": ("unreadable_file", "truncated"),
        "empty.fits": ("unreadable_file", "0 bytes"),
        "text.fits": ("unreadable_file", "not a FITS file"),
        "damaged.fits.gz": ("unreadable_file", "damaged or truncated"),
        "foreign.fits": ("invalid_header", "FORS2"),
        "incomplete.fits": ("invalid_header", "DPR.TYPE"),
        "wrong.fits": ("invalid_header", "EXPTIME"),
    }
    assert {name: refused.code for name, refused in kept.items()} == {
        name: code for name, (code, _) in expected.items()
    }
    assert [name for name, (_, word) in expected.items() if word not in kept[name].reason] == []
    assert kept["text.fits"].size == 3000
    assert len(kept["text.fits"].fingerprint) == 64


def test_wrong_checksum_is_refused(sqlite_store, instrument, write_frame) -> None:
    path = write_frame(1)
    with fits.open(path) as opened:
        opened.writeto(path, overwrite=True, checksum=True)
    content = bytearray(path.read_bytes())
    content[-2000] ^= 1
    path.write_bytes(content)
    report = ingest.run(sqlite_store, [instrument], [path])
    assert "DATASUM" in report.rejected[0].reason


def test_repaired_file_leaves_the_quarantine(store, instrument, write_frame) -> None:
    path = write_frame(1)
    content = path.read_bytes()
    path.write_bytes(content[:4000])
    assert counts(ingest.run(store, [instrument], [path])) == (0, 0, 1)
    path.write_bytes(content)
    assert counts(ingest.run(store, [instrument], [path])) == (1, 0, 0)
    assert quarantine(store) == {}


def test_repairs_are_recorded_on_the_frame(sqlite_store, instrument, write_frame) -> None:
    path = write_frame(1, changes={"HIERARCH ESO DPR TYPE": "BAIS"})
    content = path.read_bytes()
    report = ingest.run(sqlite_store, [instrument], [path])
    assert report.new[0].reason == "repaired: bais_is_bias"
    (frame,) = frames(sqlite_store).values()
    assert (frame.repairs, frame.dpr_type) == (("bais_is_bias",), "BIAS")
    assert path.read_bytes() == content


def test_processes_give_the_same_as_one(sqlite_store, instrument, write_frame) -> None:
    folder = [write_frame(number).parent for number in range(90)][-1]
    (folder / "bad.fits").touch()
    steps: list[tuple[int, int]] = []
    report = ingest.run(
        sqlite_store, [instrument], [folder], workers=2, progress=lambda *step: steps.append(step)
    )
    assert counts(report) == (90, 0, 1)
    assert [arrival.location for arrival in report.arrivals] == sorted(map(str, folder.iterdir()))
    assert steps[-1] == (91, 91)
    alone = ingest.run(sqlite_store, [instrument], [folder], workers=1)
    assert [arrival.frame_id for arrival in alone.known] == [each.frame_id for each in report.new]


def test_threads_read_large_files(sqlite_store, instrument, write_frame, monkeypatch) -> None:
    monkeypatch.setattr("vltflow.ingest.workers._LARGE_FILE", 1)
    folder = [write_frame(number).parent for number in range(90)][-1]
    report = ingest.run(sqlite_store, [instrument], [folder], workers=4)
    assert counts(report) == (90, 0, 0)
    assert [arrival.location for arrival in report.arrivals] == sorted(map(str, folder.iterdir()))


@pytest.mark.slow
def test_killed_ingestion_goes_on_from_what_is_recorded(
    sqlite_store: Store, instrument: Instrument, write_frame
) -> None:
    folder = [write_frame(number).parent for number in range(300)][-1]
    script = textwrap.dedent(
        """
        import sys
        from vltflow import ingest
        from vltflow.instruments import Instrument
        from vltflow.store import Store

        sys.modules["vltflow.ingest.run"]._BATCH = 25  # many transactions to be killed between

        def show(done, total):
            print(done, flush=True)

        instrument = Instrument.model_validate_json(sys.argv[1])
        store = Store(sys.argv[2], sys.argv[3] + "/vault")
        ingest.run(store, [instrument], [sys.argv[3]], workers=2, progress=show)
        """
    )
    program = folder.parent / "ingest_all.py"
    program.write_text(script)
    arguments = [instrument.model_dump_json(by_alias=True), sqlite_store.database, str(folder)]
    for steps in (1, 4, 7):
        process = subprocess.Popen(
            [sys.executable, program, *arguments], stdout=subprocess.PIPE, text=True
        )
        done = [int(process.stdout.readline()) for _ in range(steps)][-1]
        process.kill()
        process.communicate()
        recorded = frames(sqlite_store)
        assert done <= len(recorded) <= 300
    report = ingest.run(sqlite_store, [instrument], [folder], workers=1)
    assert counts(report) == (300 - len(recorded), len(recorded), 0)
    assert {arrival.name for arrival in report.arrivals} == set(frames(sqlite_store))


def test_reader_ends_with_its_parent() -> None:
    script = """
        import os, time
        from vltflow.core.helpers import _Helper

        reader = _Helper("vltflow.ingest.reader", [])
        reader.send([])
        reader.receive()
        print(reader._process.pid, flush=True)
        time.sleep(60)
        """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    reader = int(parent.stdout.readline())
    assert is_running(reader)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 30
    while is_running(reader) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(reader)


def is_running(process: int) -> bool:
    return psutil.pid_exists(process) and psutil.Process(process).status() != psutil.STATUS_ZOMBIE


def test_death_of_a_reader_is_told(sqlite_store, instrument, write_frame, monkeypatch) -> None:
    folder = write_frame(1).parent
    monkeypatch.setattr("vltflow.core.helpers.sys.executable", "/bin/false")
    with pytest.raises(VltflowError, match="a helping process died"):
        ingest.run(sqlite_store, [instrument], [folder], workers=2)
