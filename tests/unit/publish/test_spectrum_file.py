"""Products are what the standard, and readers of others, expect."""

import importlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import StdDevUncertainty
from astropy.table import QTable

from vltflow.core.errors import InvalidHeader, UnprocessableData
from vltflow.publish.naming import LONGEST, archive_name, product_name
from vltflow.publish.spectrum import Associated, Description, ExtraColumn, Spectrum
from vltflow.publish.spectrum_file import write_spectrum
from vltflow.publish.validation import validate

CGS = "erg.s**(-1).cm**(-2).angstrom**(-1)"
ELEMENTS = 300


@pytest.fixture
def spectrum():
    chance = np.random.default_rng(5)
    wave = 3900.0 + 0.05 * np.arange(ELEMENTS)
    flux = 3e-16 * (1 + 0.2 * np.sin(wave)) + chance.normal(0, 1e-17, ELEMENTS)
    quality = np.where(np.arange(ELEMENTS) == 9, 2, 0)
    return Spectrum(wave, flux, np.full(ELEMENTS, 1e-17), quality, flux_unit=CGS)


@pytest.fixture
def said():
    return Description(
        target="O'Neil's star", ra=206.02125, dec=-10.591417, telescope="ESO-VLT-U2",
        instrument="UVES", technique="ECHELLE", mjd_obs=55328.1, mjd_end=55328.18, exptime=6500.0,
        texptime=6500.0, resolution=60042.0, aperture=0.8 / 3600, software="vltflow/0.1.0",
        date="2026-11-24", programmes=("185.A-0745(C)",), blocks=(200301234,), is_absolute=True,
        provenance=("UVES.2010-05-12T02:24:00.000",), line_rms=2e-4, lines=640,
    )  # fmt: skip


def refusals(path):
    (verdict,) = validate([path], now=61_000.0)
    return [(one.rule, one.keyword, one.reason) for one in verdict.findings
            if one.severity != "note"]  # fmt: skip


def variants(spectrum, said):
    second = ExtraColumn(
        "FLUX_REDUCED", spectrum.flux * 1e18, "adu", "eso:Data.FluxAxis.Value",
        "phot.flux.density;em.wl;stat.uncalib", "not calibrated",
    )  # fmt: skip
    count = np.full(ELEMENTS, 3, np.int32)
    exposure = ExtraColumn("NEXP", count, "", "", "meta.number")
    nm = {"wave": spectrum.wave / 10, "wave_unit": "nm", "is_air": False}
    return {
        "absolute": (spectrum, said),
        "uncalibrated": (replace(spectrum, flux_unit="adu"), replace(said, is_absolute=False)),
        "two fluxes": (replace(spectrum, extra=(second, exposure)), said),
        "vacuum, nm": (replace(spectrum, **nm), replace(said, frame="BARYCENT", system="ICRS")),
        "normalised": (
            replace(spectrum, flux=spectrum.flux / 3e-16, error=spectrum.error / 3e-16,
                    flux_unit=""),
            replace(said, is_normalised=True, is_absolute=False),
        ),
        "no errors": (
            replace(spectrum, error=np.full(ELEMENTS, np.nan), quality=None), replace(said, snr=30)
        ),
        "several programmes": (
            spectrum,
            replace(said, programmes=("60.A-9100(A)", "110.23NK.001"), blocks=(1, 2), ncombine=2,
                    provenance=("A", "B"), archive_name=archive_name(57080.5)),
        ),
        "long values": (
            spectrum,
            replace(said, target="x" * 40, more={"ESO QC VRAD BARYCOR": -21.7, "COMMENTS": "a"}),
        ),
    }  # fmt: skip


VARIANTS = (
    "absolute", "uncalibrated", "two fluxes", "vacuum, nm", "normalised", "no errors",
    "several programmes", "long values",
)  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_every_kind_of_product_is_accepted_by_validator_and_fitsverify(
    tmp_path, spectrum, said, name
):
    path = tmp_path / "product.fits"
    write_spectrum(path, *variants(spectrum, said)[name])
    assert refusals(path) == []
    if shutil.which("fitsverify") is None:
        pytest.skip("no fitsverify: on Debian, apt install ftools-fv or fitsverify")
    ended = subprocess.run(["fitsverify", path], capture_output=True, text=True, check=False)
    assert "0 warning(s) and 0 error(s)" in ended.stdout, ended.stdout


def test_the_same_input_gives_the_same_bytes(tmp_path, spectrum, said):
    one, other = tmp_path / "1" / "a.fits", tmp_path / "2" / "a.fits"
    for path in (one, other):
        path.parent.mkdir()
    assert write_spectrum(one, spectrum, said) == write_spectrum(other, spectrum, said)
    assert one.read_bytes() == other.read_bytes()


def test_astropy_reads_arrays_and_units_back(tmp_path, spectrum, said):
    path = tmp_path / "product.fits"
    write_spectrum(path, spectrum, said)
    table = QTable.read(path, hdu=1)
    assert table["WAVE"].unit == units.Angstrom
    assert table["FLUX"].unit == units.Unit("erg s-1 cm-2 Angstrom-1")
    np.testing.assert_array_equal(table["WAVE"][0].value, spectrum.wave)
    np.testing.assert_array_equal(table["FLUX"][0].value, spectrum.flux)
    np.testing.assert_array_equal(table["ERR"][0].value, spectrum.error)
    np.testing.assert_array_equal(table["QUAL"][0], spectrum.quality)


def test_specutils_holds_it_with_units_errors_and_mask(tmp_path, spectrum, said):
    specutils = pytest.importorskip("specutils", reason="pip install vltflow[test]")
    snr = importlib.import_module("specutils.analysis").snr
    path = tmp_path / "product.fits"
    write_spectrum(path, spectrum, said)
    row = QTable.read(path, hdu=1)[0]
    made = specutils.Spectrum(
        flux=row["FLUX"], spectral_axis=row["WAVE"], mask=row["QUAL"] != 0,
        uncertainty=StdDevUncertainty(row["ERR"]),
    )  # fmt: skip
    assert made.spectral_axis.unit == units.Angstrom
    ratio = snr(made).to_value(units.dimensionless_unscaled)
    header = fits.getheader(path)
    assert ratio == pytest.approx(header["SNR"], rel=0.1)


def test_many_originals_go_into_a_table(tmp_path, spectrum, said):
    path = tmp_path / "product.fits"
    names = tuple(f"RAW.{number:05}" for number in range(10_000))
    write_spectrum(path, spectrum, replace(said, provenance=names, ncombine=10_000))
    assert refusals(path) == []
    with fits.open(path) as opened:
        assert opened["PHASE3PROVENANCE"].data["PROV"][-1] == names[-1]


def test_filling_at_the_ends_is_cut_off(spectrum):
    flux, error = spectrum.flux.copy(), spectrum.error.copy()
    flux[:10], error[:10] = 0.0, 0.0
    flux[-5:], error[-5:] = np.nan, np.nan
    column = ExtraColumn("SNR", flux, "", "", "stat.snr")
    cut = replace(spectrum, flux=flux, error=error, extra=(column,)).useful()
    assert cut.wave.size == ELEMENTS - 15 == cut.extra[0].values.size
    assert cut.wave[0] == spectrum.wave[10]
    assert spectrum.useful() is spectrum


def test_a_spectrum_without_any_value_is_refused_where_it_is_cut(spectrum):
    nothing = replace(spectrum, flux=np.zeros(ELEMENTS), error=np.full(ELEMENTS, np.nan))
    with pytest.raises(UnprocessableData, match="no value"):
        nothing.useful()


@pytest.mark.parametrize(("change", "words"), [
    ({"flux": np.ones(3)}, "one length"),
    ({"wave": np.full(ELEMENTS, 5.0)}, "increase"),
    ({"wave": np.full(ELEMENTS, np.nan)}, "increase"),
    ({"flux": np.full(ELEMENTS, np.inf)}, "infinite"),
    ({"error": np.full(ELEMENTS, -1.0)}, "negative"),
    ({"quality": np.full(ELEMENTS, -1)}, "flags"),
    ({"quality": np.full(ELEMENTS, 0.5)}, "flags"),
])  # fmt: skip
def test_arrays_that_are_no_spectrum_are_refused(spectrum, change, words):
    with pytest.raises(UnprocessableData, match=words):
        replace(spectrum, **change)


@pytest.mark.parametrize(("change", "words"), [
    ({"target": "x" * 69}, "69 characters"),
    ({"ra": float("nan")}, "RA is nan"),
    ({"associated": (Associated("a" * 80),)}, "80 characters"),
])  # fmt: skip
def test_values_that_no_card_can_hold_are_refused(tmp_path, spectrum, said, change, words):
    path = tmp_path / "product.fits"
    with pytest.raises(InvalidHeader, match=words):
        write_spectrum(path, spectrum, replace(said, **change))
    assert not path.exists()


def test_a_ratio_that_cannot_be_computed_must_be_given(tmp_path, spectrum, said):
    without = replace(spectrum, error=np.full(ELEMENTS, np.nan))
    with pytest.raises(InvalidHeader, match="SNR"):
        write_spectrum(tmp_path / "product.fits", without, said)


def test_long_names_are_cut_and_stay_different():
    parts = ("UVES", "a very long name of a target" * 3, "2010-05-07T01:02:03.000")
    names = {product_name(*parts, setup) for setup in ("BLUE390", "RED580")}
    assert len(names) == 2
    assert {len(name) for name in names} == {LONGEST}
    assert product_name("UVES", "../a/b", "*") == "UVES_a-b.fits"
    with pytest.raises(ValueError, match="no file name"):
        product_name("", "///")


def test_the_written_file_is_named_in_its_header(tmp_path, spectrum, said):
    path = tmp_path / product_name("UVES", said.target, "2010")
    write_spectrum(path, spectrum, said)
    assert fits.getval(path, "ORIGFILE") == Path(path).name == "UVES_O-Neil-s-star_2010.fits"
