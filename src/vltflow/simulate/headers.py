"""Headers of many nights without pixels, for benches of classification and association."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vltflow.core.time import iso_from_mjd, night_range
from vltflow.simulate.models import DAY_MS, model
from vltflow.simulate.plan import PlannedFrame, Template, archive_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vltflow.simulate.cards import CardValue
    from vltflow.simulate.plan import Instrument


def headers_only(
    instrument: str, nights: Iterable[str], *, copies: int = 1
) -> Iterator[dict[str, CardValue]]:
    """Headers of the frames of many nights, without pixels, as fast as memory allows.

    Each record has, in FITS form, the keywords that classification and association use.
    Values that belong to the weather are those of the first night of the same plan.

    Parameters
    ----------
    nights
        ISO dates of the evenings.
    copies
        How often the night's plan is taken in each night, 13 s apart.

    Raises
    ------
    UnknownName
        If the instrument is unknown.
    """
    source = model(instrument)
    known: dict[Template, list[dict[str, CardValue]]] = {}
    for night in nights:
        start = night_range(night)[0]
        for template in source.templates(night):
            plan = replace(template, start_ms=0, frame_ms=())
            if plan not in known:
                known[plan] = _template_records(source, night, template)
            for copy in range(copies):
                shift = 13_001 * copy
                begin = iso_from_mjd(start + (template.start_ms + shift) / DAY_MS)[:19]
                for record, at in zip(known[plan], _arrivals(template), strict=True):
                    mjd = start + (at + shift) / DAY_MS
                    moment = iso_from_mjd(mjd)
                    yield {
                        **record,
                        "MJD-OBS": mjd,
                        "DATE-OBS": moment,
                        "ESO TPL START": begin,
                        "ESO OBS START": begin,
                        "ARCFILE": f"{archive_prefix(source)}.{moment}.fits",
                    }


def _arrivals(template: Template) -> list[int]:
    return [at for number, at in enumerate(template.frame_ms, 1) if number not in template.missing]


def _template_records(
    instrument: Instrument, night: str, template: Template
) -> list[dict[str, CardValue]]:
    layouts = [
        instrument.layout(chip, template.setup, small=False)
        for chip in instrument.chips(template.setup)
    ]
    records = []
    for number in range(1, template.count + 1):
        if number in template.missing:
            continue
        frame = PlannedFrame(night, template, number, archive_prefix(instrument))
        cards = [card for header in instrument.cards(frame, layouts)[:2] for card in header]
        records.append(
            {c.keyword: c.value for c in cards if instrument.record_keywords.match(c.keyword)}
        )
    return records
