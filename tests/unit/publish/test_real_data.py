"""Real light in our products: HARPS's merged spectrum, and UVES orders of a quasar."""

import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

from vltflow.plots.spectrum import draw_preview
from vltflow.publish.preview import preview_of
from vltflow.publish.spectrum import Description, Spectrum
from vltflow.publish.spectrum_file import write_spectrum
from vltflow.publish.validation import validate

COMMON = {
    "technique": "ECHELLE", "aperture": 1.0 / 3600, "date": "2026-11-24", "blocks": (1,),
    "software": "vltflow/0.1.0",
}  # fmt: skip
ORDER = 20
"""Row of the quasar's orders: 380 to 385 nm."""


def described(header, target, **more):
    exposure, begin = header["EXPTIME"], header["MJD-OBS"]
    return Description(
        target=target, ra=header["RA"], dec=header["DEC"], telescope=header["TELESCOP"],
        instrument=header["INSTRUME"], mjd_obs=begin, mjd_end=begin + exposure / 86400,
        exptime=exposure, texptime=exposure, programmes=(header["ESO OBS PROG ID"],),
        provenance=(header["ARCFILE"].removesuffix(".fits"),) if "ARCFILE" in header else ("RAW",),
        **COMMON | more,
    )  # fmt: skip


def check(path):
    (verdict,) = validate([path])
    assert [one for one in verdict.findings if one.severity != "note"] == []
    if shutil.which("fitsverify"):
        ended = subprocess.run(["fitsverify", path], capture_output=True, text=True, check=False)
        assert "0 warning(s) and 0 error(s)" in ended.stdout
    assert draw_preview(preview_of(path)).startswith(b"\x89PNG")


def test_a_merged_harps_spectrum_becomes_a_product(real_data, tmp_path):
    (source,) = (real_data / "harps").glob("*s1d_A.fits.gz")
    with fits.open(source) as opened:
        header, flux = opened[0].header, opened[0].data.astype(float)
    wave = header["CRVAL1"] + header["CDELT1"] * np.arange(flux.size)
    unknown = np.full(flux.size, np.nan)
    spectrum = Spectrum(wave, flux, unknown, is_net=False).useful()
    path = tmp_path / "harps.fits"
    said = described(header, header["OBJECT"], resolution=115_000.0, frame="BARYCENT", snr=23.9)
    write_spectrum(path, spectrum, said)
    check(path)
    np.testing.assert_array_equal(QTable.read(path, hdu=1)["FLUX_REDUCED"][0].value, flux)


def test_an_extracted_order_of_a_quasar_becomes_a_product(real_data, tmp_path):
    folder = real_data / "uves" / "HE1341-1020"
    name = "hem1341m1020_sci_390_02_b.fits.gz"
    with fits.open(folder / f"fxb_{name}") as opened:
        header, flux = opened[1].header, opened[0].data[ORDER].astype(float)
    error = fits.getdata(folder / f"err_{name}")[ORDER].astype(float)
    lines = fits.getdata(folder / f"wpol_{name}", 4)
    used = lines[(lines["Y"] == ORDER + 1) & (lines["NLinSol"] > 0)]
    fit = np.polynomial.Polynomial.fit(used["X"], used["WaveC"], 3)
    wave = fit(np.arange(1, flux.size + 1))
    flagged = ~(np.isfinite(error) & (error > 0) & (error < 100))
    error = np.where(np.isfinite(error) & (error >= 0), error, np.nan)
    spectrum = Spectrum(wave, flux, error, flagged.astype(int)).useful()
    assert spectrum.median_snr == pytest.approx(25, abs=15)
    path = tmp_path / "uves.fits"
    said = described(header, "HE1341-1020", resolution=59_630.0, line_rms=7e-5, lines=used.size)
    write_spectrum(path, spectrum, said)
    check(path)
