"""SVG that can stand in a page: its text in the page's colour, its identifiers its own."""

from __future__ import annotations

import re
from xml.sax.saxutils import quoteattr

from vltflow.plots import style

_PROLOGUE = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) (?:width|height)="[^"]*"', re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_IDENTIFIER = re.compile(r'\bid="([^"]+)"')
_REFERENCE = re.compile(r'(id="|href="#|url\(#)([^")]+)')


def finished(text: str, *, label: str, prefix: str) -> str:
    """SVG element without prologue, that scales with its place and says what it shows.

    The drawing library numbers its identifiers by chance; they are numbered in order
    here, so that equal figures give equal text, and begin with `prefix`, so that
    several can stand in one page.
    """
    text = _METADATA.sub("", _PROLOGUE.sub("", text))
    while _SIZE.search(text):
        text = _SIZE.sub(r"\1", text)
    text = text.replace("<svg", f'<svg role="img" aria-label={quoteattr(label)}', 1)
    numbers = {found: number for number, found in enumerate(_IDENTIFIER.findall(text))}

    def renamed(match: re.Match[str]) -> str:
        start, name = match.groups()
        return f"{start}{prefix}i{numbers[name]}" if name in numbers else match[0]

    return _REFERENCE.sub(renamed, text).replace(style.INK, "currentColor")
