"""`vltflow campaign`: mass production of science products by the month."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vltflow.cli.context import open_store
from vltflow.cli.options import JsonOption, SiteOption, WhoOption, commands, person
from vltflow.cli.output import console, print_json, progress, show
from vltflow.core.errors import UserError
from vltflow.flow.campaign import declare, prepare, run_campaign
from vltflow.flow.campaign_plan import BatchPlan, plan_batch
from vltflow.flow.campaign_report import BatchReport
from vltflow.flow.campaign_state import batch_summary
from vltflow.flow.selection import Selection, months, selection_text
from vltflow.instruments import load
from vltflow.records import Batch
from vltflow.store import Store

app = commands("Produce science products in mass, by the month ('phoenix').")

InstrumentArgument = Annotated[str, typer.Argument(help="Name of an instrument, such as UVES.")]
FromOption = Annotated[str, typer.Option("--from", help="First month: 2010-10.")]
ToOption = Annotated[
    str, typer.Option("--to", help="Last month: 2011-04; the first, if not given.")
]
ProgrammeOption = Annotated[
    list[str], typer.Option("--programme", "-p", help="OBS PROG ID: '084.A-*'. May be repeated.")
]
TargetOption = Annotated[
    list[str], typer.Option("--target", "-t", help="OBS TARG NAME. May be repeated.")
]
SetupOption = Annotated[
    list[str], typer.Option("--setup", help="Setup: '1x1_390nm*'. May be repeated.")
]
RawTypeOption = Annotated[
    list[str], typer.Option("--raw-type", help="Raw type: 'SCI_POINT_*'. May be repeated.")
]
CompleteOption = Annotated[
    bool, typer.Option("--complete", help="COMPLETE mode: make missing masters first.")
]
NameOption = Annotated[
    str, typer.Option("--name", help="Name of the campaign; the instrument's, if not given.")
]


@app.command()
def plan(
    context: typer.Context,
    instrument: InstrumentArgument,
    first: FromOption,
    last: ToOption = "",
    programme: ProgrammeOption = [],  # noqa: B006 - never changed
    target: TargetOption = [],  # noqa: B006
    setup: SetupOption = [],  # noqa: B006
    raw_type: RawTypeOption = [],  # noqa: B006
    complete: CompleteOption = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Dry run: say what would be made, with what, what is missing, and how long it takes.

    New frames are recognised and associated, as everywhere; nothing is reduced.
    """
    selection = _selection(programme, target, setup, raw_type, complete=complete)
    wanted = months(first, last or first)
    with open_store(context, site, instrument=instrument) as (opened, store):
        definition = load(instrument, opened)
        prepare(store, definition)
        plans = [plan_batch(store, opened, definition, selection, month) for month in wanted]
    if as_json:
        print_json([asdict(one) for one in plans])
        return
    console().print(f"{definition.name}: {selection_text(selection)}", highlight=False)
    show([_plan_row(one) for one in plans], _PLAN_COLUMNS, as_json=False, empty="")
    _tell_problems(plans)
    if any(one.waiting for one in plans):
        console().print("wait for masters: --complete makes these first")
    if any(one.better for one in plans):
        console().print("better: better calibrations came since: run makes these anew")
    if any(one.outdated for one in plans):
        console().print("outdated: made by another recipe version or definition: run --reprocess")


@app.command()
def run(
    context: typer.Context,
    instrument: InstrumentArgument,
    first: FromOption,
    last: ToOption = "",
    name: NameOption = "",
    programme: ProgrammeOption = [],  # noqa: B006
    target: TargetOption = [],  # noqa: B006
    setup: SetupOption = [],  # noqa: B006
    raw_type: RawTypeOption = [],  # noqa: B006
    complete: CompleteOption = False,
    reprocess: Annotated[
        bool,
        typer.Option(
            "--reprocess", help="Make again what other recipe versions or definitions made."
        ),
    ] = False,
    who: WhoOption = None,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run monthly batches: associate, process, score, certify, publish, archive.

    Does what is left to do: start it again after anything stopped it, or after more frames
    came. Ctrl-C ends it in order. The exit code is 1 if an AB of a batch failed.
    """
    selection = _selection(programme, target, setup, raw_type, complete=complete)
    wanted = months(first, last or first)
    with open_store(context, site, instrument=instrument) as (opened, store):
        definition = load(instrument, opened)
        campaign = declare(
            store, definition, selection, name=name or definition.name, who=person(who)
        )
        with _stopped_in_order() as cancel, progress(f"campaign {campaign.name}") as bar:
            reports = run_campaign(
                store, opened, definition, campaign, wanted, reprocess=reprocess, cancel=cancel,
                tell=_paced(campaign.name, bar),
            )  # fmt: skip
    if as_json:
        print_json([_report_record(one) for one in reports])
    else:
        for one in reports:
            _tell(one)
        console().print(f"next: vltflow campaign report {campaign.name} {wanted[0]} --out PAGE")
    if cancel.is_set() or any(one.numbers["failed_now"] for one in reports):
        raise typer.Exit(1)


@app.command()
def status(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the campaign; all, if not given.")] = "",
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """List batches: state, what is made, what waits, how fast they went."""
    with open_store(context, site) as (_, store), store.read() as tx:
        names = [tx.campaigns.get(name).name] if name else [one.name for one in tx.campaigns.all()]
        batches = [batch for one in names for batch in tx.campaigns.batches(one)]
    show(
        [asdict(batch_summary(one)) for one in batches],
        _BATCH_COLUMNS,
        as_json=as_json,
        empty="no batches",
    )


@app.command()
def report(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the campaign.")],
    month: Annotated[str, typer.Argument(help="Month of the batch: 2010-10.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    site: SiteOption = None,
) -> None:
    """Write the report of a batch: numbers, figures, failures and problems on one page."""
    with open_store(context, site) as (_, store):
        batch = _batch(store, name, month)
        out.write_bytes(store.vault.get_bytes(batch.report))
    console().print(f"{out}")


def _selection(
    programme: list[str],
    target: list[str],
    setup: list[str],
    raw_type: list[str],
    *,
    complete: bool,
) -> Selection:
    return Selection(tuple(programme), tuple(target), tuple(setup), tuple(raw_type), complete)


@contextmanager
def _stopped_in_order() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; what runs is given back to the queue."""
    cancel = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: cancel.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _paced(name: str, bar: Callable[..., None]) -> Callable[[str, int, int, str], None]:
    """Shows month and throughput before a bar; the bar itself tells the time to the end."""
    begin: dict[str, float] = {}

    def tell(month: str, done: int, total: int, _ended: str) -> None:
        elapsed = time.monotonic() - begin.setdefault(month, time.monotonic())
        pace = f", {3600 * done / elapsed:.0f} ABs/h" if done > 1 and elapsed > 0 else ""
        bar(done, total, f"{name} {month}{pace}")

    return tell


def _batch(store: Store, name: str, month: str) -> Batch:
    with store.read() as tx:
        batches = tx.campaigns.batches(tx.campaigns.get(name).name)
    found = next((one for one in batches if one.month == month and one.report), None)
    if found is None:
        known = ", ".join(one.month for one in batches if one.report) or "none"
        raise UserError(f"{name} has no report of {month!r}", hint=f"There are: {known}")
    return found


_PLAN_COLUMNS = (
    "month", "science", "done", "to make", "masters first", "wait for masters", "blocked",
    "better", "outdated", "time",
)  # fmt: skip
_BATCH_COLUMNS = (
    "campaign", "month", "state", "science", "made", "failed", "flawed", "blocked", "wait",
    "jobs_per_hour", "cores_used", "elapsed_s", "ended",
)  # fmt: skip


def _plan_row(one: BatchPlan) -> dict[str, Any]:
    return {
        "month": one.month,
        "science": one.science,
        "done": one.states.get("SUCCEEDED", 0),
        "to make": len(one.to_make),
        "masters first": len(one.masters_first),
        "wait for masters": one.waiting,
        "blocked": one.states.get("BLOCKED", 0),
        "better": len(one.better),
        "outdated": len(one.outdated),
        "time": _time_text(one),
    }


def _time_text(one: BatchPlan) -> str:
    if one.seconds is None:
        return "unknown: no past"
    text = f"{one.seconds / 60:.1f} min" if one.seconds >= 60 else f"{one.seconds:.0f} s"
    return f"{text} without {', '.join(one.untimed)}" if one.untimed else text


def _tell_problems(plans: list[BatchPlan]) -> None:
    rows = [
        {"month": one.month, "what": f"no {lack.category}", "setup": lack.setup, "ABs": lack.number}
        for one in plans
        for lack in one.lacks
    ] + [
        {"month": one.month, "what": problem, "setup": "", "ABs": number}
        for one in plans
        for problem, number in one.problems.items()
    ]
    if rows:
        console().print("\n[bold]what is in the way[/]")
        show(rows, ("month", "what", "setup", "ABs"), as_json=False, empty="")


def _report_record(one: BatchReport) -> dict[str, Any]:
    left = {"waiting": one.plan.waiting, "for_the_eye": [name for name, _ in one.eye]}
    return {"month": one.batch.month, **one.numbers, **left}


def _tell(one: BatchReport) -> None:
    numbers = one.numbers
    states = ", ".join(f"{number} {state}" for state, number in numbers["states"].items())
    out = console()
    out.print(f"{one.batch.month}: {numbers['science']} science ABs ({states or 'none'})")
    out.print(
        f"  this run: {numbers['jobs']} jobs, {numbers['failed_now']} failed, "
        f"{numbers['certified_now']} certified, {numbers['published_now']} published, "
        f"{numbers['elapsed_s']:.1f} s, "
        f"{numbers['jobs_per_hour']:.0f} jobs an hour; {len(one.eye)} wait for a person"
    )
    for block in one.flawed:
        out.print(f"  [yellow]made, but:[/] {block.name}: {block.problem}", highlight=False)
