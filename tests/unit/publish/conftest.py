"""A good spectrum, cube and image as real files, and hands to spoil them with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.publish.spectrum import Description, Spectrum
from vltflow.publish.spectrum_file import spectrum_hdus
from vltflow.publish.validation import validate

NOW = 61_000.0
SIDE, PLANES = 8, 5


def spectrum(elements=200, seed=3):
    chance = np.random.default_rng(seed)
    wave = 3900.0 + 0.05 * np.arange(elements)
    error = np.full(elements, 2.0)
    return Spectrum(
        wave=wave, flux=100.0 + chance.normal(0, error), error=error,
        quality=(np.arange(elements) % 50 == 7).astype(int) * 4,
    )  # fmt: skip


def description(**changes):
    given = {
        "target": "HE1341-1020", "ra": 206.02125, "dec": -10.591417, "telescope": "ESO-VLT-U2",
        "instrument": "UVES", "technique": "ECHELLE", "mjd_obs": 55328.1, "mjd_end": 55328.18,
        "exptime": 6500.0, "texptime": 6500.0, "resolution": 60042.0, "aperture": 1.0 / 3600,
        "software": "vltflow/0.1.0", "date": "2026-11-24", "programmes": ("185.A-0745(C)",),
        "blocks": (200301234,), "provenance": ("UVES.2010-05-07T02:24:00.000",),
    }  # fmt: skip
    return Description(**given | changes)


def cube_hdus():
    primary = fits.PrimaryHDU()
    primary.header.update(_common("SCIENCE.CUBE.IFS", "MUSE") | {
        "OBSTECH": "IFU", "SPECSYS": "BARYCENT", "WAVELMIN": 475.0, "WAVELMAX": 475.5,
        "SPEC_RES": 1700.0, "PIXNOISE": 1e-20, "SKY_RES": 0.8, "ABMAGLIM": 24.0,
        "ASSON1": "white.fits", "DATE-OBS": "2010-05-07T02:24:00",
    })  # fmt: skip
    values = np.random.default_rng(1).normal(10, 1, (PLANES, SIDE, SIDE)).astype(np.float32)
    hdus = [primary]
    for name, kind in (("DATA", ""), ("STAT", "MSE")):
        hdu = fits.ImageHDU(values if name == "DATA" else np.ones_like(values), name=name)
        hdu.header.update(_sky() | {
            "CTYPE3": "AWAV", "CUNIT3": "Angstrom", "CRVAL3": 4750.0, "CRPIX3": 1.0, "CD3_3": 1.25,
            "CD1_3": 0.0, "CD2_3": 0.0, "CD3_1": 0.0, "CD3_2": 0.0, "CSYER1": 1e-5, "CSYER2": 1e-5,
            "HDUCLASS": "ESO", "HDUDOC": "SDP", "HDUVERS": "SDP version 8", "HDUCLAS1": "IMAGE",
            "HDUCLAS2": "ERROR" if kind else "DATA", "BUNIT": "10**(-20)erg/s/cm**2/Angstrom",
        })  # fmt: skip
        hdu.header["SCIDATA" if kind else "ERRDATA"] = "DATA" if kind else "STAT"
        if kind:
            hdu.header["HDUCLAS3"] = kind
        hdus.append(hdu)
    return hdus


def white_light_hdus(cube):
    values = cube[1].data
    image = fits.ImageHDU(values.mean(axis=0), name="WHITE")
    primary = fits.PrimaryHDU()
    primary.header["PRODCATG"] = "ANCILLARY.IMAGE.WHITELIGHT"
    return [primary, image]


def image_hdus():
    image = fits.PrimaryHDU(np.ones((SIDE, SIDE), np.float32))
    image.header.update(_common("SCIENCE.IMAGE", "HAWKI") | _sky() | {
        "FILTER": "J", "OBSTECH": "IMAGE,JITTER", "BUNIT": "adu", "PHOTZP": 25.0,
        "PHOTSYS": "VEGA", "ABMAGLIM": 23.0, "ABMAGSAT": 12.0, "PSF_FWHM": 0.6,
    })  # fmt: skip
    return [image]


def mosaic_hdus():
    flat = image_hdus()[0].header
    primary = fits.PrimaryHDU()
    primary.header.update(_common("SCIENCE.MEFIMAGE", "HAWKI"))
    primary.header.update({"FILTER": "J", "OBSTECH": "IMAGE,JITTER"})
    hdus = [primary]
    for number in (1, 2):
        hdu = fits.ImageHDU(np.ones((SIDE, SIDE), np.float32), name=f"CHIP{number}")
        hdu.header.update({key: flat[key] for key in (*_sky(), "BUNIT", "PHOTZP", "PHOTSYS")})
        hdu.header.update({"ABMAGLIM": 23.0, "ABMAGSAT": 12.0, "PSF_FWHM": 0.6})
        hdus.append(hdu)
    return hdus


def _common(category, instrument):
    return {
        "PRODCATG": category, "ORIGIN": "ESO", "TELESCOP": "ESO-VLT-U4", "INSTRUME": instrument,
        "OBJECT": "target", "RA": 206.0, "DEC": -10.5, "RADESYS": "FK5", "EQUINOX": 2000.0,
        "DATE": "2026-11-24", "MJD-OBS": 55323.1, "MJD-END": 55323.2, "EXPTIME": 600.0,
        "TEXPTIME": 1200.0, "PROG_ID": "60.A-9100(A)", "OBID1": 100, "NCOMBINE": 2,
        "PROV1": "RAW.2010-05-07T02:24:00.000", "FLUXCAL": "ABSOLUTE", "PROCSOFT": "vltflow/0.1.0",
        "REFERENC": "",
    }  # fmt: skip


def _sky():
    return {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg",
        "CRVAL1": 206.0, "CRVAL2": -10.5, "CRPIX1": 4.5, "CRPIX2": 4.5, "CD1_1": -5.6e-5,
        "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 5.6e-5,
    }  # fmt: skip


MAKERS = {
    "SPECTRUM": lambda: spectrum_hdus(spectrum(), description(), name="spectrum.fits"),
    "CUBE": cube_hdus,
    "IMAGE": image_hdus,
    "MOSAIC": mosaic_hdus,
}


@dataclass
class Desk:
    """A folder with one product, which can be spoilt before it is written and judged."""

    folder: Path
    kind: str

    @property
    def path(self) -> Path:
        return self.folder / f"{self.kind.lower()}.fits"

    def write(
        self, spoil: Callable[[list], object] = lambda _hdus: None, name="", *, checksum=True
    ) -> Path:
        hdus = MAKERS[self.kind]()
        if self.kind == "CUBE":
            white = white_light_hdus(hdus)
            fits.HDUList(white).writeto(self.folder / "white.fits", checksum=True, overwrite=True)
        spoil(hdus)
        path = self.folder / name if name else self.path
        fits.HDUList(hdus).writeto(path, checksum=checksum, overwrite=True)
        return path

    def write_with_card(self, keyword: str, card: str) -> Path:
        """One card in other words: astropy sets some keywords by itself."""
        path = self.write()
        content = path.read_bytes()
        start = content.index(f"{keyword:8}=".encode())
        path.write_bytes(content[:start] + card.ljust(80).encode() + content[start + 80 :])
        return path

    def judged(self, path: Path, **options) -> list:
        (verdict,) = validate([path], now=NOW, **options)
        return [one for one in verdict.findings if one.severity != "note"]


@pytest.fixture
def desk(tmp_path):
    return lambda kind: Desk(tmp_path, kind)
