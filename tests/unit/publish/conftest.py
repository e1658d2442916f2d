"""A good spectrum, cube and image as real files, and hands to spoil them with."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vltflow.core.identity import new_id
from vltflow.instruments import load
from vltflow.publish.spectrum import Description, Spectrum
from vltflow.publish.spectrum_file import spectrum_hdus
from vltflow.publish.validation import validate
from vltflow.records import (
    AssociationBlock,
    BlockState,
    Colour,
    Job,
    JobState,
    MasterMatch,
    MatchState,
    Product,
    ProductState,
    QcValue,
    RawFrame,
    Score,
)
from vltflow.store import pack_headers

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


SETUP = {
    "DET.CHIPS": 2, "DET.OUTPUTS": 2, "DET.READ.SPEED": "2pts/225kHz/lg", "DET.WIN1.BINX": 1,
    "DET.WIN1.BINY": 1, "DET.WIN1.NX": 4096, "DET.WIN1.NY": 4296, "DET.WIN1.STRX": 1,
    "DET.WIN1.STRY": 1, "INS.MODE": "RED", "INS.GRAT2.ID": "CD#3", "INS.GRAT2.WLEN": 580,
    "INS.SLIT1.NAME": "FREE", "INS.SLIT3.LEN": 12, "INS.SLIT3.WID": 0.8,
}  # fmt: skip
RANGES = {"REDL": (4780.0, 0.0146), "REDU": (5830.0, 0.0172)}
BINS = 3000


def raw_header(number=0, **changes):
    """What ingestion keeps of a raw red frame."""
    return {
        "RA": 206.02125, "DEC": -10.591417, "TELESCOP": "ESO-VLT-U2", "RADECSYS": "FK5",
        "EXPTIME": 1500.0, "ESO DPR TECH": "ECHELLE", "ESO OBS TARG NAME": "HE1341-1020",
        "ESO OBS PROG ID": "185.A-0745(C)", "ESO OBS ID": 200301234,
        "ESO INS SLIT3 WID": 0.8, "MJD-OBS": 55328.1 + 0.02 * number,
    } | changes  # fmt: skip


def reduced_files(folder, chip, *, layout, number=0):
    """A reduced spectrum of one chip by role, as ESO's recipe or ours leaves it."""
    start, step = RANGES[chip]
    chance = np.random.default_rng([number, len(chip), ord(chip[-1])])
    wave = start + step * np.arange(BINS)
    flux, error = 200.0 + chance.normal(0.0, 10.0, BINS), np.full(BINS, 10.0)
    sky = np.full(BINS, 5.0)
    lines = {"LAMRMS": 0.0007, "LAMNLIN": 800, "HIERARCH ESO QC VRAD BARYCOR": -11.9}
    if layout == "table":
        return {"RED_SCIENCE": _table_file(folder, chip, (wave, flux, error, sky), lines, number)}
    flux[:20], flux[-20:] = 0.0, 0.0
    error[:20], error[-20:] = 1.0, 1.0
    cards = lines | {"CTYPE1": "AWAV", "CRVAL1": start, "CRPIX1": 1.0, "CD1_1": step}
    orders = np.stack([flux[:2000], flux[1000:]])
    grid = {"CDELT1": step} | {f"CTYPE{n}": "" for n in (1, 2)}
    grid |= {f"{key}{n}": 1.0 for n in (1, 2) for key in ("CRVAL", "CRPIX")}
    wstart = grid | {
        "WSTART1": start,
        "WEND1": wave[1999],
        "WSTART2": wave[1000],
        "WEND2": wave[-1],
    }
    images = {
        "RED_SCIENCE": (flux, cards), "ERRORBAR_SCIENCE": (error, cards),
        "MERGED_SKY": (sky, cards), "WCALIB_FF_SCIENCE": (orders, wstart),
        "ERRORBAR_WCALIB_FF_SCIENCE": (np.full(orders.shape, 10.0), wstart),
    }  # fmt: skip
    made = {}
    for role, (values, header) in images.items():
        path = folder / f"{role}_{chip}_{number}.fits"
        hdu = fits.PrimaryHDU(values.astype(np.float32))
        hdu.header.update(header)
        hdu.writeto(path, checksum=True)
        made[role] = path
    return made


def _table_file(folder, chip, arrays, cards, number):
    wave, flux, error, _ = arrays
    names = ("WAVE", "FLUX_REDUCED", "ERR_REDUCED", "BGFLUX_REDUCED")
    columns = [
        fits.Column(name, "D", array=values) for name, values in zip(names, arrays, strict=True)
    ]
    columns.append(fits.Column("QUAL", "J", array=(np.arange(BINS) % 100 == 7) * 8))
    half = [fits.Column("ORDER", "J", array=[101, 100])]
    for name, values in (("WAVE", wave), ("FLUX", flux), ("ERR", error)):
        rows = np.stack([values[:2000], values[1000:]])
        half.append(fits.Column(name, "2000D", array=rows))
    primary = fits.PrimaryHDU()
    primary.header.update(cards)
    path = folder / f"RED_SCIENCE_{chip}_{number}.fits"
    tables = [
        fits.BinTableHDU.from_columns(columns, name="SPECTRUM"),
        fits.BinTableHDU.from_columns(half, name="ORDERS"),
    ]
    fits.HDUList([primary, *tables]).writeto(path, checksum=True)
    return path


class ScienceSite:
    """A store with a wavelength calibration and science ABs of the red arm of UVES."""

    def __init__(self, store, folder):
        self.store, self.folder = store, folder
        self.arc = self._block("arc", "ARC_LAMP_RED", 55328.2, ())
        files = {f"LINE_TABLE_{chip}": self._empty(f"LINE_TABLE_{chip}") for chip in RANGES}
        self.lines = self._products(self.arc, files, ProductState.CERTIFIED)
        with store.write(by="test", why="test") as tx:
            tx.quality.add_values([
                QcValue(
                    block=self.arc.name, revision=1, product_id=one.product_id, instrument="UVES",
                    night=self.arc.night, raw_type="ARC_LAMP_RED", setup="", mjd=one.mjd,
                    category=one.category, parameter="QC RESOLMED", value=58000.0, unit="",
                )
                for one in self.lines
            ])  # fmt: skip

    def science(self, number=0, *, layout="images", raw_type="SCI_POINT_RED", bits=(), **cards):
        """A science AB with certified products; `bits` are the red score bits."""
        mjd = 55328.1 + 0.02 * number
        name = f"UVES.2010-05-12T02:24:{number:02d}.000"
        frame = RawFrame(
            frame_id=f"{number:064x}", name=name, instrument="UVES", location=f"/raw/{name}.fits",
            size=1, mjd_obs=mjd, night="2010-05-11", exptime=1500.0, dpr_catg="SCIENCE",
            obs_id=200301234, object_name="HE1341-1020", raw_type=raw_type, setup="s",
            setup_keys=json.dumps(SETUP),
        )  # fmt: skip
        with self.store.write(by="test", why="test") as tx:
            tx.frames.add([(frame, pack_headers([raw_header(number, **cards)]))])
        masters = tuple(
            MasterMatch(
                one.category, True, MatchState.REAL, self.arc.name, one.product_id, -1, 0.1,
                distance_celsius=0.2,
            )
            for one in self.lines
        )  # fmt: skip
        block = self._block(name, raw_type, mjd, masters, frames=(frame.frame_id,))
        types = load("UVES").products_of(raw_type)
        files = {}
        for chip in RANGES:
            made = reduced_files(self.folder, chip, layout=layout, number=number)
            files |= {
                category: made[kind.role]
                for category, kind in types.items()
                if category.endswith(chip) and kind.role in made
            }
        runner = "native" if layout == "table" else "esorex"
        self._products(block, files, ProductState.CERTIFIED, runner=runner)
        self._score(block, bits)
        return block

    def _score(self, block, bits):
        scores = [
            Score(
                block.name, 1, "RED_SCI_POINT_REDL", f"QC BIT {bit}", 1.0, None, 0.5,
                Colour.RED if bit in bits else Colour.GREEN, "FIXED", "1 is told", bit,
            )
            for bit in range(1, 10)
        ]  # fmt: skip
        with self.store.write(by="qc", why="test") as tx:
            tx.quality.set_scores(block.name, 1, scores)
            tx.quality.set_report(block.name, 1, "0" * 64, "now")

    def _block(self, name, raw_type, mjd, masters, frames=()):
        block = AssociationBlock(
            name=f"{name}_none", instrument="UVES", night="2010-05-11", raw_type=raw_type,
            setup="1x1_580nm_CD#3_0.8", setup_keys=json.dumps(SETUP), recipe="r", grouping="none",
            group_key=name, frames=frames, masters=masters, expected=1, complete=True,
            mjd_start=mjd, mjd_mid=mjd, mjd_end=mjd, context="c" * 16, state=BlockState.SUCCEEDED,
        )  # fmt: skip
        with self.store.write(by="test", why="test") as tx:
            tx.blocks.add([block])
        return block

    def _products(self, block, files, state, runner="esorex"):
        job = Job(
            job_id=new_id(), block=block.name, revision=1, recipe="r", recipe_version="1",
            runner=runner, parameters="{}", input_hash="0" * 64, cores=1, memory_mb=1, wall_s=1,
            created="2026-11-24T12:00:00.000", ended="2026-11-24T12:00:01.000",
            state=JobState.SUCCEEDED,
        )  # fmt: skip
        made = [
            Product(
                product_id=new_id(), block=block.name, revision=1, job_id=job.job_id,
                instrument="UVES", night=block.night, category=category, setup=block.setup,
                setup_keys=block.setup_keys, mjd=block.mjd_mid, size=path.stat().st_size,
                file_id=self.store.vault.put_file(path), name=f"UV_{category}_{block.name}.fits",
                created=job.ended, state=state,
            )
            for category, path in files.items()
        ]  # fmt: skip
        with self.store.write(by="process", why="test") as tx:
            tx.jobs.add([job])
            tx.products.add(made)
        return made

    def _empty(self, name):
        path = self.folder / f"{name}.fits"
        fits.PrimaryHDU().writeto(path)
        return path


@pytest.fixture
def science_site(store, tmp_path):
    """A store to publish from."""
    return ScienceSite(store, tmp_path)
