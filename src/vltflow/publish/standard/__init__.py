"""The rules of ESO's Science Data Products standard, one function each.

F: the file. K: which keywords. G: their values, in every science product. S, D: spectra,
headers and data. C: cubes. I: images. B: batches of files.
"""

from vltflow.publish.rules import Rule
from vltflow.publish.standard import (
    batches,
    cubes,
    exposure,
    files,
    identity,
    images,
    keywords,
    originals,
    spectra,
    spectrum_data,
    spectrum_table,
)

_MODULES = (
    files,
    keywords, exposure, identity, spectrum_table, spectra, spectrum_data,
    cubes, images, batches, originals,
)  # fmt: skip

RULES: tuple[Rule, ...] = tuple(
    sorted(
        [
            *keywords.presence_rules(),
            *(
                value
                for module in _MODULES
                for value in vars(module).values()
                if isinstance(value, Rule)
            ),
        ],
        key=lambda one: one.number,
    )
)
"""All rules, by number."""

__all__ = ["RULES"]
