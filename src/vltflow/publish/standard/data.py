"""The tables beside this module: categories, keywords, exceptions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

_FOLDER = Path(__file__).parent
Kind = Literal["text", "label", "real", "integer", "logical", "any"]
Place = Literal["primary", "table", "pixels", "planes", "data"]
T = TypeVar("T")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeywordGroup(_Strict):
    """Keywords that some HDU of some products must have, should have, or must not have."""

    number: str
    title: str
    of: tuple[str, ...]
    where: Place
    level: Literal["mandatory", "eso", "recommended", "forbidden"]
    source: Literal["checks", "standard"]
    keywords: dict[str, Kind]


class Ranges(_Strict):
    """What an instrument can give."""

    wavelength: tuple[float, float]
    """nm."""
    resolution: tuple[float, float]


class Exceptions(_Strict):
    """What is said of single collections and instruments."""

    waived: dict[str, tuple[str, ...]]
    required: dict[str, dict[Place, tuple[str, ...]]]
    ranges: dict[str, Ranges]
    known_origins: tuple[str, ...]


class Categories(_Strict):
    """Values of PRODCATG and ASSOCi."""

    science: tuple[str, ...]
    with_rules: tuple[str, ...]
    ancillary: tuple[str, ...]
    associated: tuple[str, ...]


@cache
def keyword_groups() -> tuple[KeywordGroup, ...]:
    """All groups of keywords, in the order of the table."""
    return _read("keywords.yaml", TypeAdapter(tuple[KeywordGroup, ...]))


@cache
def exceptions() -> Exceptions:
    """What is said of single collections and instruments."""
    return _read("exceptions.yaml", TypeAdapter(Exceptions))


@cache
def categories() -> Categories:
    """Values of PRODCATG and ASSOCi."""
    return _read("categories.yaml", TypeAdapter(Categories))


def _read(name: str, adapter: TypeAdapter[T]) -> T:
    content = yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))
    return adapter.validate_python(content)
