"""QC figures within a page whose policy allows no style in the text: attributes instead."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape

from vltflow.plots import load_figures
from vltflow.plots.draw import draw
from vltflow.store import Store

_STYLE = re.compile(r'\sstyle="([^"]*)"')
_SHEET = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)
_FONT = re.compile(r"(?:(italic|oblique) )?(?:(bold|\d+) )?([\d.]+)px ?(.*)")
_WHOLE_SHEET = ' stroke-linejoin="round" stroke-linecap="butt"'
"""What the drawing library's own sheet says of all elements."""


@lru_cache(maxsize=64)
def figure_svgs(store: Store, figures_file: str, prefix: str) -> tuple[str, ...]:
    """The figures of a product as SVG texts that may stand in a page.

    The file in the vault never changes, so neither do they.

    Parameters
    ----------
    prefix
        Begin of their identifiers: different for each product of a page.

    Raises
    ------
    StoreError
        If the vault lost the arrays.
    UnreadableFile
        If they are damaged.
    """
    figures = load_figures(store.vault.get_bytes(figures_file))
    return tuple(
        without_styles(draw(figure, prefix=f"{prefix}f{place}").decode())
        for place, figure in enumerate(figures)
    )


def without_styles(svg: str) -> str:
    """The same picture with presentation attributes: SVG 2, section 6.6."""
    text = _SHEET.sub("", svg)
    text = text.replace("<svg", f"<svg{_WHOLE_SHEET}", 1)
    return _STYLE.sub(lambda found: _attributes(unescape(found[1])), text)


def _attributes(declarations: str) -> str:
    parts = []
    for declaration in declarations.split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(), value.strip()
        if name == "font":
            parts += _font(value)
        elif name and value:
            parts.append((name, value))
    return "".join(f' {name}="{escape(value)}"' for name, value in parts)


def _font(value: str) -> list[tuple[str, str]]:
    found = _FONT.fullmatch(value)
    if found is None:
        return []
    slant, weight, points, family = found.groups()
    given = (("font-style", slant), ("font-weight", weight), ("font-size", points))
    return [(name, one) for name, one in given if one] + [("font-family", family)]
