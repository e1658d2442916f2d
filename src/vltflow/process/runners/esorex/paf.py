"""QC1 parameters in PAF files, the parameter files that some recipes write beside products.

One assignment a line, ``QC.BIAS.MASTER.MEDIAN 199.5 ;# comment``; texts stand in double
quotes (ESO Data Interface Control Document, GEN-SPE-ESO-19400-0794, section 11). The
GIRAFFE recipes number their files (``qc0000.paf``) and say in each by PRO.CATG which of
their products it is about; recipes of UVES and MUSE write none.
"""

from __future__ import annotations

import re

_LINE = re.compile(r'^(QC\.[\w.]+)\s+("[^"]*"|[^\s;]+)\s*;')

Value = str | int | float


_CATEGORY = re.compile(r'^PRO\.CATG\s+"([^"]*)"\s*;', re.MULTILINE)


def category(text: str) -> str:
    """PRO CATG of the product that a PAF file is about; empty if it does not say."""
    found = _CATEGORY.search(text)
    return found.group(1).strip() if found else ""


def quality_parameters(text: str) -> dict[str, Value]:
    """QC1 parameters by name with blanks: ``QC BIAS MASTER MEDIAN``."""
    matches = filter(None, map(_LINE.match, text.splitlines()))
    return {match.group(1).replace(".", " "): _value(match.group(2)) for match in matches}


def _value(text: str) -> Value:
    if text.startswith('"'):
        return text.strip('"').strip()
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
