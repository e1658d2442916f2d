"""What a comparison of two runners says, and the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vltflow.records import QcFigure

_pages = Environment(
    loader=PackageLoader("vltflow.flow", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One QC1 parameter of one product as each runner measured it."""

    category: str
    parameter: str
    native: float | None
    esorex: float | None

    @property
    def percent(self) -> float | None:
        """Native against ESO's, percent; None where one has it not, or ESO's is zero."""
        if self.native is None or not self.esorex:
            return None
        return 100 * (self.native / self.esorex - 1)


@dataclass(frozen=True, slots=True)
class PixelRow:
    """Pixels of one product: native minus ESO's."""

    category: str
    shape: str
    """Shapes, if they differ; nothing else is known then."""
    median: float | None
    scatter: float | None
    """Robust standard deviation."""
    largest: float | None
    """Largest absolute difference."""
    share_equal: float | None
    """Share of pixels that agree within a hundredth of the scatter of ESO's image."""


@dataclass(frozen=True, slots=True)
class RunnerRow:
    """What a runner needed."""

    runner: str
    recipe: str
    version: str
    elapsed_s: float
    """Median over the runs in a warm worker."""
    cpu_s: float | None
    peak_mb: float | None
    """Of the whole process: for the native recipe the warm worker with all its libraries."""
    job_mb: float | None
    """What the job added to what its process held before."""
    products: tuple[str, ...]
    error: str


@dataclass(frozen=True)
class Comparison:
    """All that can be said about two runners on one AB."""

    block: str
    revision: int
    raw_type: str
    setup: str
    repeats: int
    created: str
    runners: tuple[RunnerRow, ...]
    parameters: tuple[ParameterRow, ...]
    pixels: tuple[PixelRow, ...]
    figures: Mapping[str, tuple[QcFigure, ...]]
    """By PRO CATG: native, ESO's, their difference as image and histogram."""

    def to_json(self) -> dict[str, Any]:
        """All numbers; the figures stay away."""
        names = ("block", "revision", "raw_type", "setup", "repeats", "created")
        rows = ("runners", "parameters", "pixels")
        plain = {name: getattr(self, name) for name in names}
        return plain | {name: [asdict(row) for row in getattr(self, name)] for name in rows}


def render(comparison: Comparison) -> bytes:
    """The page; equal comparisons give equal bytes."""
    from vltflow.plots.draw import draw  # noqa: PLC0415 - slow to load, seldom needed

    pictures = {
        category: [
            Markup(draw(figure, prefix=f"c{number}f{position}").decode())  # noqa: S704 - our own drawing
            for position, figure in enumerate(figures)
        ]
        for number, (category, figures) in enumerate(comparison.figures.items())
    }
    page = _pages.get_template("comparison.html")
    text = page.render(
        one=comparison, pictures=pictures, number=_number, summary=summary(comparison)
    )
    return text.encode()


def summary(comparison: Comparison) -> str:
    """How much faster and smaller the native recipe is, in two sentences at most.

    Memory is told in megabytes where the job of the native recipe is small beside what its
    worker holds anyway: the ratio of the processes would then speak of the interpreter alone.
    """
    native, eso = comparison.runners
    times = eso.elapsed_s / max(native.elapsed_s, 1e-3)
    text = f"Native is {times:.1f} times as fast as ESO's recipe."
    if None in (native.peak_mb, native.job_mb, eso.peak_mb):
        return text
    assert native.peak_mb is not None
    assert native.job_mb is not None
    assert eso.peak_mb is not None
    held = native.peak_mb - native.job_mb
    if native.job_mb < held / 2 and native.peak_mb > eso.peak_mb:
        return (
            f"{text} Its job takes {native.job_mb:.0f} MB beside the {held:.0f} MB that a warm "
            f"worker holds for all jobs; ESO's takes {eso.peak_mb:.0f} MB."
        )
    return (
        f"{text} Its process holds {_share(native.peak_mb, eso.peak_mb)} of the memory of ESO's, "
        f"the job itself {_share(native.job_mb, eso.peak_mb)}."
    )


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form % value
