"""`vltflow completeness`: are all calibrations there, what to take tonight."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vltflow.associate import Completeness, CompletenessReport, completeness_report
from vltflow.associate.completeness import plain
from vltflow.cli.context import open_store
from vltflow.cli.options import JsonOption, NightOption, SiteOption, commands
from vltflow.cli.output import console, print_json, show
from vltflow.core.time import iso_from_mjd
from vltflow.instruments import load

app = commands()
_TASKS = ("raw_type", "setup", "frames", "template", "for", "left", "why")
_SETUPS = ("raw_type", "setup", "state")


@app.command()
def completeness(
    context: typer.Context,
    instrument: Annotated[str, typer.Argument(help="Name of an instrument, such as UVES.")],
    night: NightOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether the setups of the last seven nights have all their calibrations.

    OK: there and within the calibration plan; NOK: there, but outside of it; MISSING: nothing
    that would be taken. What can still be taken comes first, with the time that is left for it.
    """
    with open_store(context, site, instrument=instrument) as (place, store), store.read() as tx:
        report = completeness_report(tx, load(instrument, place), night or "")
    if as_json:
        print_json(plain(report))
        return
    console().print(
        f"{report.instrument}, {report.nights[0]} to {report.nights[-1]}, "
        f"as of {iso_from_mjd(report.moment)[:16]} UT: {report.state or 'no setups used'}",
        highlight=False,
    )
    show(_tasks(report), _TASKS, as_json=False, empty="")
    columns = (*_SETUPS, *(night[5:] for night in report.nights), "lacks")
    show(_setups(report), columns, as_json=False, empty="no ABs that need calibrations")


def _tasks(report: CompletenessReport) -> list[dict[str, Any]]:
    return [
        {
            "raw_type": " or ".join(one.raw_types) + ("" if one.required else " (optional)"),
            "setup": one.setup,
            "frames": one.frames,
            "template": one.template,
            "for": ", ".join(one.wanted_by),
            "left": f"{one.until - report.moment:.1f} d" + (" (too late for the plan)" * one.late),
            "why": one.problem + (f"; {one.refused}: {one.refusal}" if one.refused else ""),
        }
        for one in report.tasks
    ]


def _setups(report: CompletenessReport) -> list[dict[str, Any]]:
    rows = []
    for one in report.setups:
        lacks = {
            name
            for night in one.nights
            for check in night.checks
            if check.required and check.state is not Completeness.OK
            for name in check.raw_types or check.categories
        }
        used = {night.night: str(night.state) for night in one.nights}
        rows.append(
            {
                "raw_type": one.raw_type,
                "setup": one.setup,
                "state": str(one.state),
                "lacks": ", ".join(sorted(lacks)),
            }
            | {night[5:]: used.get(night, "") for night in report.nights}
        )
    return rows
