"""`vltflow ab`: look into one association block."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from vltflow import associate, qc
from vltflow.cli.context import block_name, open_store
from vltflow.cli.options import (
    BlockArgument,
    CommentOption,
    JsonOption,
    SiteOption,
    WhoOption,
    commands,
    person,
)
from vltflow.cli.output import Record, console, print_json, show
from vltflow.instruments import load
from vltflow.process import control
from vltflow.records import AssociationBlock, score_bits, score_text
from vltflow.store import Store, Transaction

app = commands("Look into one association block (AB).")


@app.command("show")
def show_block(
    context: typer.Context,
    name: BlockArgument,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show frames, calibrations, jobs, products, scores, verdicts and history of an AB."""
    with open_store(context, site) as (_, store):
        block = described(store, block_name(store, name))
    if as_json:
        print_json([block])
        return
    out = console()
    out.print(f"[bold]{block['ab']}[/]", highlight=False)
    for key, value in block.items():
        if isinstance(value, list):
            out.print(f"\n[bold]{key.replace('_', ' ')}[/]")
            show(value, tuple(value[0]) if value else (), as_json=False, empty="  none")
        elif key != "ab" and value not in ("", None):
            out.print(f"  {key.replace('_', ' '):<14} {value}", highlight=False, markup=False)


@app.command()
def explain(
    context: typer.Context,
    name: BlockArgument,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell for each needed calibration which candidates there were, and why the winner won."""
    with open_store(context, site) as (opened, store):
        full_name = block_name(store, name)
        with store.read() as tx:
            instrument = load(tx.blocks.get(full_name).instrument, opened)
        explanation = associate.explain(store, instrument, full_name)
    if as_json:
        print_json([asdict(explanation)])
    else:
        console().print(associate.render(explanation), highlight=False, markup=False)


@app.command()
def export(
    context: typer.Context,
    name: BlockArgument,
    out: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None,
    site: SiteOption = None,
) -> None:
    """Write the AB as the text file that QC scientists know."""
    with open_store(context, site) as (opened, store):
        full_name = block_name(store, name)
        with store.read() as tx:
            instrument = load(tx.blocks.get(full_name).instrument, opened)
        text = associate.export(store, instrument, full_name)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


@app.command()
def log(context: typer.Context, name: BlockArgument, site: SiteOption = None) -> None:
    """Print the log of the AB's latest job."""
    with open_store(context, site) as (_, store):
        with store.read() as tx:
            jobs = tx.jobs.of_block(block_name(store, name))
        kept = [job for job in jobs if job.log_file]
        typer.echo(
            store.vault.get_bytes(kept[-1].log_file) if kept else "no job of this AB has ended"
        )


@app.command()
def report(
    context: typer.Context,
    name: BlockArgument,
    out: Annotated[Path, typer.Option(help="HTML file to write.")],
    site: SiteOption = None,
) -> None:
    """Write the QC report of an AB: scores, figures, frames and calibrations on one page."""
    with open_store(context, site) as (opened, store):
        full_name = block_name(store, name)
        with store.read() as tx:
            reports = tx.quality.reports([full_name])
        if full_name not in reports:
            typer.echo("this AB has no QC report: it was not processed yet", err=True)
            raise typer.Exit(1)
        if reports[full_name]:
            page = store.vault.get_bytes(reports[full_name])
        else:
            with store.read() as tx:
                instrument = load(tx.blocks.get(full_name).instrument, opened)
            page = qc.report_page(store, instrument, full_name)
        out.write_bytes(page)
    console().print(f"{out}")


@app.command()
def abort(
    context: typer.Context,
    name: BlockArgument,
    comment: CommentOption,
    who: WhoOption = None,
    site: SiteOption = None,
) -> None:
    """Give an AB up; a job of it that runs is stopped. `retry` plans it again."""
    with open_store(context, site) as (_, store):
        full_name = block_name(store, name)
        control.abort(store, full_name, who=person(who), why=comment)
    console().print(f"{full_name}: ABORTED")


@app.command()
def retry(
    context: typer.Context,
    name: BlockArgument,
    comment: CommentOption,
    who: WhoOption = None,
    site: SiteOption = None,
) -> None:
    """Plan an AB again that failed or was aborted; the next `vltflow night` runs it."""
    with open_store(context, site) as (_, store):
        full_name = block_name(store, name)
        control.retry(store, full_name, who=person(who), why=comment)
    console().print(f"{full_name}: PLANNED")


def described(store: Store, name: str) -> dict[str, Any]:
    """Everything about an AB as plain values; lists of objects for its parts."""
    with store.read() as tx:
        block = tx.blocks.get(name)
        return {
            "ab": block.name,
            **{field: getattr(block, field) for field in _BLOCK_FIELDS},
            "status": str(block.state),
            "score": score_text(tx.quality.scores([name]).get(name, [])),
            "bits": score_bits(tx.quality.scores([name]).get(name, [])),
            **{title: part(tx, block) for title, part in _PARTS.items()},
        }


def _frames(tx: Transaction, block: AssociationBlock) -> list[Record]:
    return [
        {
            "frame": frame.name,
            "expno": f"{frame.tpl_expno}/{frame.tpl_nexp}",
            "exptime": frame.exptime,
            "location": frame.location,
        }
        for frame in tx.frames.of_block(block.name)
    ]


def _calibrations(_tx: Transaction, block: AssociationBlock) -> list[Record]:
    return [asdict(match) | {"state": str(match.state)} for match in block.masters]


def _jobs(tx: Transaction, block: AssociationBlock) -> list[Record]:
    return [
        {
            "job": job.job_id,
            "status": str(job.state),
            "runner": job.runner,
            "attempt": job.attempt,
            "elapsed_s": job.elapsed_s,
            "cpu_s": job.cpu_s,
            "peak_mb": job.peak_mb,
            "error": job.error,
        }
        for job in tx.jobs.of_block(block.name)
    ]


def _products(tx: Transaction, block: AssociationBlock) -> list[Record]:
    return [
        {
            "product": product.name,
            "category": product.category,
            "revision": product.revision,
            "status": str(product.state),
            "sha256": product.file_id,
            "size": product.size,
        }
        for product in tx.products.of_block(block.name)
    ]


def _scores(tx: Transaction, block: AssociationBlock) -> list[Record]:
    return [
        {
            "category": score.category,
            "parameter": score.parameter,
            "value": score.value,
            "low": score.low,
            "high": score.high,
            "score": str(score.colour),
            "bit": score.bit,
            "reason": score.reason,
        }
        for score in tx.quality.scores([block.name]).get(block.name, [])
    ]


def _verdicts(tx: Transaction, block: AssociationBlock) -> list[Record]:
    return [
        {
            "decision": str(verdict.decision),
            "who": verdict.who,
            "comment": verdict.comment,
            "decided": verdict.decided,
            "revision": verdict.revision,
        }
        for verdict in tx.quality.verdicts([block.name]).get(block.name, [])
    ]


def _history(tx: Transaction, block: AssociationBlock) -> list[Record]:
    return [
        {"time": event.time, "who": event.who, "change": event.change, "why": event.why}
        for event in tx.events.find(kind="block", record=block.name)
    ]


_BLOCK_FIELDS = (
    "instrument", "night", "raw_type", "setup", "recipe", "problem", "complete", "revision",
    "mjd_mid", "context",
)  # fmt: skip
_PARTS = {
    "frames": _frames,
    "calibrations": _calibrations,
    "jobs": _jobs,
    "products": _products,
    "scores": _scores,
    "verdicts": _verdicts,
    "history": _history,
}
