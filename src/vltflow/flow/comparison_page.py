"""The page of a comparison: tables and pictures, on its own."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vltflow.flow.compare import Comparison
from vltflow.plots.draw import draw

_pages = Environment(
    loader=PackageLoader("vltflow.flow", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


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
    text = f"Native takes 1/{eso.elapsed_s / max(native.elapsed_s, 1e-3):.1f} of ESO's time"
    if native.peak_mb and eso.peak_mb:
        text += f" and {native.peak_mb / eso.peak_mb:.2f} of its memory"
    return f"{text}."


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form % value
