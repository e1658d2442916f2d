"""What can go wrong with a frame, on demand, and which frame it happens to."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

from vltflow.core.errors import UnknownName, UserError
from vltflow.simulate.cards import Card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vltflow.simulate.plan import Template

DEFECTS = MappingProxyType(
    {
        "missing-frame": "a frame of a template never arrives",
        "lamp-off": "the lamp does not burn in one flat of a template",
        "saturated-flat": "one flat of a template gets twelve times the light",
        "wrong-binning": "one bias of a template is read out with the other binning",
        "high-read-noise": "all biases of a template have three times the read noise",
        "bias-jump": "the bias level of one bias of a template is 25 ADU higher",
        "truncated-file": "a file ends after 60 percent of its bytes",
        "duplicate-file": "a frame arrives a second time under another name",
        "wrong-header-value": "the exposure time in a header is negative",
        "zero-length-file": "a file is empty",
        "not-fits": "a file with the name of a frame holds something else",
        "wrong-checksum": "frames of a template carry checksums, and one was damaged later",
        "missing-keyword": "a mandatory keyword is missing in a header",
        "foreign-instrument": "a frame of another instrument lies among the others",
        "no-object": "a science exposure has nothing but sky in the slit",
        "saturated-object": "the object of a science exposure fills the wells of the detector",
        "cosmic-shower": "a shower of long cosmic-ray trails falls on a science exposure",
        "twilight-sky": "the sky of a science exposure is that of bright twilight",
        "empty-arc": "the ThAr lamp does not burn in an arc",
        "half-the-lines": "an arc shows every second line only",
        "shifted-format": "an arc is shifted by 20 pixels along and -20 across the orders",
        "nan-coordinates": "RA and DEC of a science exposure are no numbers",
        "missing-coordinates": "RA and DEC of a science exposure are missing",
        "wrong-setup": "the header of a science exposure tells another central wavelength",
        "missing-flat": "the flats of a setup that science needs never arrive",
    }
)
"""Name and meaning of each defect."""

_KINDS = {
    "lamp-off": ("flat",),
    "saturated-flat": ("flat",),
    "wrong-binning": ("bias",),
    "high-read-noise": ("bias",),
    "bias-jump": ("bias",),
    "missing-frame": ("bias", "flat", "dark"),
    "foreign-instrument": ("arc", "format", "order"),
    "duplicate-file": ("arc", "format", "order"),
    **dict.fromkeys(
        (
            "no-object", "saturated-object", "cosmic-shower", "twilight-sky", "nan-coordinates",
            "missing-coordinates", "wrong-setup",
        ),
        ("science",),
    ),
    **dict.fromkeys(("empty-arc", "half-the-lines", "shifted-format"), ("arc",)),
    "missing-flat": ("flat",),
}  # fmt: skip
_SEVERAL_FRAMES = ("flat", "fibres", "dark")
"""Kinds for all other defects: with the frame lost, its block still shows what is missing."""
_WHOLE_TEMPLATE = frozenset({"high-read-noise", "missing-flat"})
OF_SCIENCE = frozenset(name for name, kinds in _KINDS.items() if kinds == ("science",)) | {
    "missing-flat"
}
"""Defects of science exposures; a night has only a few of these."""
NEVER_ARRIVES = frozenset({"missing-frame", "missing-flat"})
"""Defects whose frames are not written."""
LIGHT_FAULTS = frozenset(
    {"no-object", "saturated-object", "twilight-sky", "half-the-lines", "shifted-format"}
)
"""Defects that an instrument's scenes paint, where they know them; see `Template.fault`."""
_LOST = frozenset(
    {
        "missing-frame", "truncated-file", "wrong-header-value", "zero-length-file",
        "not-fits", "wrong-checksum", "missing-keyword", "missing-flat",
    }
)  # fmt: skip
FOREIGN_INSTRUMENT = "FORS2"


@dataclass(frozen=True, slots=True)
class Victim:
    """A defect and the frame it happens to."""

    defect: str
    template: int
    """Ordinal of the template in the night."""
    number: int
    """TPL EXPNO of the frame; 0 for all frames of the template."""

    def hits(self, number: int) -> bool:
        """Whether the defect touches this frame of its template."""
        return self.number in (0, number)

    @property
    def loses_frame(self) -> bool:
        """Whether the frame is not there, or unusable, afterwards."""
        return self.defect in _LOST


def choose_victims(
    names: Sequence[str], templates: Sequence[Template], *, night: str, seed: int
) -> list[Victim]:
    """Victims of the defects, each in a template of its own; the same for the same seed.

    Raises
    ------
    UnknownName
        If a defect has a name nobody knows.
    UserError
        If the night has not enough templates for all defects.
    """
    unknown = sorted(set(names) - set(DEFECTS))
    if unknown:
        raise UnknownName(
            f"no defect is called {', '.join(unknown)}", hint=f"Known: {', '.join(DEFECTS)}."
        )
    used = {template.ordinal for template in templates if template.missing}
    victims = []
    # The most demanding first, so that the choice never depends on the order asked for.
    for name in sorted(
        set(names), key=lambda name: (name not in _KINDS, list(DEFECTS).index(name))
    ):
        kinds = _KINDS.get(name, _SEVERAL_FRAMES)
        free = [t for t in templates if t.kind in kinds and t.ordinal not in used]
        if name == "missing-flat":
            needed = {t.setup for t in templates if t.kind == "science"}
            free = [t for t in free if t.setup in needed]
        if not free:
            raise UserError(f"no template is left for the defect {name}; ask for fewer defects")
        rng = np.random.default_rng(
            [seed, date.fromisoformat(night).toordinal(), zlib.crc32(name.encode())]
        )
        template = free[int(rng.integers(len(free)))]
        number = 0 if name in _WHOLE_TEMPLATE else 1 + int(rng.integers(template.count))
        victims.append(Victim(name, template.ordinal, number))
        used.add(template.ordinal)
    return victims


@dataclass(frozen=True, slots=True)
class Disturbance:
    """How the defects of a frame change its physics."""

    light: float = 1.0
    ron: float = 1.0
    level: float = 0.0
    other_binning: bool = False
    trails: int = 0
    """Long cosmic-ray trails."""
    fault: str = ""
    """What is wrong with the light, for the instrument's scene."""


_DISTURBANCES = {
    "lamp-off": Disturbance(light=0.0),
    "saturated-flat": Disturbance(light=12.0),
    "high-read-noise": Disturbance(ron=3.0),
    "bias-jump": Disturbance(level=25.0),
    "wrong-binning": Disturbance(other_binning=True),
    "empty-arc": Disturbance(light=0.0),
    "cosmic-shower": Disturbance(trails=150),
    **{name: Disturbance(fault=name) for name in sorted(LIGHT_FAULTS)},
}


def disturbance(defects: Sequence[str]) -> Disturbance:
    """The physics of a frame with these defects."""
    for name in defects:
        if name in _DISTURBANCES:
            return _DISTURBANCES[name]
    return Disturbance()


def disturb_template(template: Template, disturbed: Disturbance) -> Template:
    """The template as a frame with this disturbance lived it."""
    if disturbed.fault:
        return replace(template, fault=disturbed.fault)
    if not disturbed.other_binning:
        return template
    binning = 2 if template.setup.binning == 1 else 1
    return replace(template, setup=replace(template.setup, binning=binning))


def change_cards(
    headers: list[list[Card]], defects: Sequence[str], mandatory: str
) -> list[list[Card]]:
    """The headers of a frame with these defects."""
    if "wrong-header-value" in defects:
        headers = [_replaced(cards, "EXPTIME", -5.0) for cards in headers]
    if "wrong-setup" in defects:
        headers = [_other_wavelength(cards) for cards in headers]
    if "nan-coordinates" in defects:
        for keyword in _COORDINATES:
            headers = [_replaced(cards, keyword, "NaN") for cards in headers]
    if "missing-coordinates" in defects:
        headers = [[card for card in cards if card.keyword not in _COORDINATES]
                   for cards in headers]  # fmt: skip
    if "missing-keyword" in defects:
        headers = [[card for card in cards if card.keyword != mandatory] for cards in headers]
    return headers


_COORDINATES = ("RA", "DEC")
_WRONG_BY = 47.0
"""nm."""


def _other_wavelength(cards: list[Card]) -> list[Card]:
    """The cards with another central wavelength, whatever the grating."""
    return [
        replace(card, value=card.value + _WRONG_BY)
        if card.keyword.endswith(" WLEN") and isinstance(card.value, float)
        else card
        for card in cards
    ]


def foreign_cards(headers: list[list[Card]], name: str) -> list[list[Card]]:
    """The headers with another instrument's name in them."""
    for keyword, value in (("INSTRUME", FOREIGN_INSTRUMENT), ("ARCFILE", f"{name}.fits")):
        headers = [_replaced(cards, keyword, value) for cards in headers]
    return headers


def _replaced(cards: list[Card], keyword: str, value: str | float) -> list[Card]:
    return [replace(card, value=value) if card.keyword == keyword else card for card in cards]


def change_bytes(content: bytes, defects: Sequence[str]) -> bytes:
    """The file of a frame with these defects."""
    if "truncated-file" in defects:
        return content[: int(len(content) * 0.6)]
    if "zero-length-file" in defects:
        return b""
    if "not-fits" in defects:
        return b"<html><body>503 Service Unavailable</body></html>\n" * 50
    if "wrong-checksum" in defects:
        damaged = bytearray(content)
        damaged[-5000] ^= 0x10  # a bit of a pixel near the end
        return bytes(damaged)
    return content


def with_checksums(content: bytes) -> bytes:
    """The file with CHECKSUM and DATASUM in every HDU."""
    result = BytesIO()
    with fits.open(BytesIO(content), do_not_scale_image_data=True) as hdus:
        for hdu in hdus:
            hdu.add_checksum()
        hdus.writeto(result)
    return result.getvalue()
