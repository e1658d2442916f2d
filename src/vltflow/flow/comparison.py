"""What a comparison of two runners says, and the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vltflow.plots.draw import draw
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
    """One sentence: how much faster and smaller the native recipe is."""
    native, eso = comparison.runners
    times = eso.elapsed_s / max(native.elapsed_s, 1e-3)
    text = f"Native is {times:.1f} times as fast as ESO's recipe"
    if native.peak_mb and eso.peak_mb:
        text += f"; its process holds {native.peak_mb / eso.peak_mb:.2f} times as much memory"
    if native.job_mb and eso.job_mb:
        text += f", the job itself takes {native.job_mb / eso.job_mb:.2f} times as much"
    return f"{text}."


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form % value
