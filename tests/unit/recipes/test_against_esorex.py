"""The same frames through ESO's own recipes, where they are installed."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from astropy.io import fits

pytestmark = [pytest.mark.slow, pytest.mark.esorex("uves")]


def cards(frame, chip):
    header = fits.Header()
    for axis in "12":
        header.update({f"CRVAL{axis}": 1.0, f"CRPIX{axis}": 1.0, f"CDELT{axis}": 1.0})
        header[f"CTYPE{axis}"] = "PIXEL"
    header.update({"ORIGIN": "ESO", "EXPTIME": float(frame.header["EXPTIME"])})
    header["MJD-OBS"] = frame.header["MJD-OBS"]
    for name, value in {
        "DET OUT1 PRSCX": chip.prescan,
        "DET OUT1 OVSCX": chip.overscan,
        "DET WIN1 BINX": chip.binning[0],
        "DET WIN1 BINY": chip.binning[1],
        "DET READ SPEED": "225kHz,1x1,low",
        "DET CHIPS": 2,
        "DET CHIP1 ID": "CCD-44b",
        "DET WIN1 UIT1": float(frame.header["EXPTIME"]),
        "DET OUT1 RON": chip.ron,
        "DET OUT1 CONAD": chip.conad,
    }.items():
        header[f"HIERARCH ESO {name}"] = value
    return header


def write(path, frames, chip, *, red):
    header = cards(frames[0], chip)
    if red:
        images = [fits.ImageHDU(frame.data, cards(frame, chip)) for frame in frames]
        fits.HDUList([fits.PrimaryHDU(None, header), *images]).writeto(path)
    else:
        fits.PrimaryHDU(frames[0].data, header).writeto(path)
    content = path.read_bytes()
    # ESO's recipes want these two as floats; astropy writes integers.
    content = content.replace(
        b"BSCALE  =                    1 ", b"BSCALE  =                  1.0 "
    )
    content = content.replace(
        b"BZERO   =                32768 ", b"BZERO   =              32768.0 "
    )
    path.write_bytes(content)


def esorex(folder, recipe, lines, *options):
    (folder / f"{recipe}.sof").write_text("\n".join(lines) + "\n")
    call = ["esorex", "--log-dir=.", recipe, *options, f"{recipe}.sof"]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1500:]


def run_bias(folder, frames, chip):
    lines = []
    for number, frame in enumerate(frames):
        write(folder / f"b{number}.fits", [frame], chip, red=False)
        lines.append(f"b{number}.fits BIAS_BLUE")
    esorex(folder, "uves_cal_mbias", lines)
    with fits.open(folder / "masterbias_blue.fits") as file:
        return file[0].data, file[0].header


def test_master_bias_agrees_with_esos(blue, kit, tmp_path):
    frames = blue.biases(5, drift=0.7)
    data, header = run_bias(tmp_path, frames, blue.chip)
    (ours,) = kit.run("detector.master_bias", frames, blue.chip)
    # ESO aligns frames by their mean level, we by their overscan: equal to its noise.
    assert np.abs(ours.data - data).max() < 0.2
    assert ours.data.mean() == pytest.approx(data.mean(), abs=0.02)
    for name in ("RON MASTER", "STRUCTX", "STRUCTY"):
        key = f"QC OUT1 {name}"
        assert ours.qc[key] == pytest.approx(header[f"ESO {key}"], rel=0.01)
    assert ours.qc["QC DUTYCYCL"] == pytest.approx(header["ESO QC DUTYCYCL"], abs=1e-4)
    assert ours.qc["QC BIAS MASTER MEDIAN"] == pytest.approx(header["ESO PRO DATAMED"], abs=0.05)
    # ESO's number is the rms of the first frame, so it contains the bias structure.
    with_structure = np.hypot(ours.qc["QC OUT1 RON RAW"], blue.pattern.std())
    assert header["ESO QC OUT1 RON RAW"] == pytest.approx(with_structure, rel=0.02)


def test_both_red_chips_turn_as_esos_do(kit, tmp_path):
    chips = [kit.make_detector("REDL", (1, 1), seed=seed) for seed in (1, 2)]
    stacks = [chip.biases(3, seed=10 * number) for number, chip in enumerate(chips)]
    lines = []
    for number, pair in enumerate(zip(*stacks, strict=True)):
        write(tmp_path / f"b{number}.fits", pair, chips[0].chip, red=True)
        lines.append(f"b{number}.fits BIAS_RED")
    esorex(tmp_path, "uves_cal_mbias", lines)
    for name, frames, output in zip(("redu", "redl"), stacks, (1, 4), strict=True):
        with fits.open(tmp_path / f"masterbias_{name}.fits") as file:
            data, header = file[0].data, file[0].header
        (ours,) = kit.run("detector.master_bias", frames, chips[0].chip)
        assert np.abs(ours.data - data).max() < 0.2
        assert f"ESO QC OUT{output} STRUCTX" in header


def test_master_dark_agrees_with_esos(blue, kit, tmp_path):
    biases = blue.biases(5)
    run_bias(tmp_path, biases, blue.chip)
    (bias,) = kit.run("detector.master_bias", biases, blue.chip)
    darks = [blue.expose(0, seed=30 + i, exptime=3600.0) for i in range(3)]
    lines = ["masterbias_blue.fits MASTER_BIAS_BLUE"]
    for number, frame in enumerate(darks):
        write(tmp_path / f"d{number}.fits", [frame], blue.chip, red=False)
        lines.append(f"d{number}.fits DARK_BLUE")
    box = ("--qc_dark.reg.box_sx=25", "--qc_dark.reg.box_sy=25")
    border = ("--qc_dark.reg.border_x=10", "--qc_dark.reg.border_y=10")
    esorex(tmp_path, "uves_cal_mdark", lines, "--qc_dark.reg.when=1", *box, *border)
    (ours,) = kit.run(
        "detector.master_dark", darks, blue.chip, masters={"MASTER_BIAS": kit.as_master(bias)}
    )
    with fits.open(tmp_path / "masterdark_blue.fits") as file:
        data, header = file[0].data, file[0].header
    assert np.abs(ours.data - data).max() < 0.2
    assert header["EXPTIME"] == ours.header["EXPTIME"] == 3600
    assert ours.qc["QC REG MED AVG"] == pytest.approx(header["ESO QC REG MED AVG"], abs=0.1)
