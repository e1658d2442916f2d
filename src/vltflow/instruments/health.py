"""``health.yaml``: the Health Check of an instrument, as report groups, reports and plots.

It says what people look at, never what is made or how it is judged, so it does not belong to the
context: another plot makes no product another one, and starts no job again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vltflow.instruments.conditions import When
from vltflow.instruments.part import Part

Word = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=40)]
"""Stands in addresses."""


class HealthSeries(Part):
    """One data set of a plot."""

    parameter: str
    category: str
    """PRO CATG of the products that carry it."""
    setup: When = Field(default_factory=dict)
    """Conditions on setup keys, as in ``scores.yaml``."""
    label: str
    """In the legend: ``lower red``."""


class HealthPlot(Part):
    """One plot with one or two data sets, over time or one against the other."""

    title: str
    about: str
    """What a good plot looks like, and what to think of when it does not."""
    series: Annotated[tuple[HealthSeries, ...], Field(min_length=1, max_length=2)]
    average: Literal["median", "mean", "none"] = "median"
    kind: Literal["time", "correlation"] = "time"
    """``correlation``: the second data set over the first, AB by AB."""

    @model_validator(mode="after")
    def _two_correlate(self) -> HealthPlot:
        if self.kind == "correlation" and len(self.series) != 2:
            raise ValueError(f"{self.title}: a correlation needs two series")
        return self


class HealthReport(Part):
    """Up to ten plots that are looked at together."""

    name: Word
    title: str
    about: str
    plots: Annotated[tuple[HealthPlot, ...], Field(min_length=1, max_length=10)]


class HealthGroup(Part):
    """Reports of one subject."""

    name: Word
    title: str
    reports: Annotated[tuple[HealthReport, ...], Field(min_length=1)]


class HealthFile(Part):
    """``health.yaml``."""

    groups: tuple[HealthGroup, ...] = ()

    @model_validator(mode="after")
    def _names_are_different(self) -> HealthFile:
        names = [report.name for report in self.reports]
        names += [group.name for group in self.groups]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names that stand twice: {', '.join(twice)}")
        return self

    @property
    def reports(self) -> tuple[HealthReport, ...]:
        """Reports of all groups."""
        return tuple(report for group in self.groups for report in group.reports)

    @property
    def series(self) -> Iterator[tuple[str, HealthSeries]]:
        """All data sets, each with the name of its report."""
        for report in self.reports:
            for plot in report.plots:
                yield from ((report.name, one) for one in plot.series)
