"""The AB as the text file that QC scientists know: one ``KEY value... #comment`` a line.

Qualifiers as on ESO's pages of the association blocks (www.eso.org/observing/dfo/quality,
AB_structure and AssocBlocks). In a path, white space and ``%`` are written as %xx.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version

from vltflow.associate.matching import parsed
from vltflow.instruments import Instrument
from vltflow.records import (
    AssociationBlock,
    BlockState,
    MatchState,
    Product,
    RawFrame,
    StaticCalibration,
)
from vltflow.store import Store, Transaction

_STATUS = {
    BlockState.SUCCEEDED: "SUCCESSFUL",
    BlockState.PARTIAL: "FAILED",
    BlockState.FAILED: "FAILED",
    BlockState.ABORTED: "FAILED",
}
_NONE = "NONE"
_COMMENT_COLUMN = 60


def export(store: Store, instrument: Instrument, name: str) -> str:
    """AB as text.

    Raises
    ------
    NotFound
        If there is no AB with this name.
    """
    with store.read() as look:
        block = look.blocks.get(name)
        lines = [*_head(look, block, instrument), *_inputs(look, block), *_outcome(look, block)]
    return "".join(f"{line}\n" for line in lines)


def _head(look: Transaction, block: AssociationBlock, instrument: Instrument) -> Iterator[str]:
    first = _first_frame(look, block)
    mode = "SCIENCE" if instrument.raw_types[block.raw_type].kind == "science" else "CALIB"
    root = f"r.{block.name}"
    status = _STATUS.get(block.state, "CREATED")
    yield _line("TOOL_VERSION", f"vltflow-{version('vltflow')}")
    yield _line("CONFIG_VERSION", block.context, "hash of the instrument definition")
    yield _line("INSTRUMENT", block.instrument)
    yield _line("DATE", block.night)
    yield _line("DPR_CATG", first.dpr_catg or _NONE, "of the first raw file")
    yield _line("RAW_TYPE", block.raw_type)
    yield _line("RECIPE", block.recipe)
    yield _line("BATCH_ID", f"{mode}_{block.night}")
    yield _line("AB_NAME", f"{block.name}.ab")
    yield _line("AB_EVENT", block.grouping, "grouping rule")
    yield _line("COMPLETENESS", "COMPLETE" if block.complete else "INCOMPLETE")
    yield _line("PROCESS_STATUS", status, f"{block.state}, revision {block.revision}")
    yield _line("OBS_PROG_ID", first.prog_id or _NONE)
    yield _line("OBS_ID", str(first.obs_id))
    yield _line("MJD-OBS", repr(block.mjd_start))
    yield _line("MJD-OBS_MOD", repr(block.mjd_mid), "middle of all exposures")
    yield _line("PROD_ROOT_NAME", root)
    yield _line("LOG_NAME", f"{root}.log")
    yield _line("SETUP", _word(block.setup))
    for key, value in sorted(parsed(block.setup_keys).items()):
        yield _line("RAW_MATCH_KEY", f"{key}={_word(str(value)) if value is not None else _NONE}")


def _first_frame(look: Transaction, block: AssociationBlock) -> RawFrame:
    """First frame of an AB; of a stack, that of its first member."""
    names = [block.name] if block.frames else sorted(one.source_block for one in block.masters)
    frames = look.frames.of_blocks(names)
    return next(frames[name][0] for name in names if name in frames)


def _inputs(look: Transaction, block: AssociationBlock) -> Iterator[str]:
    for frame in look.frames.of_block(block.name):
        yield _line("RAWFILE", f"{_word(frame.location)} {block.raw_type}")
    used = [match.product_id for match in block.masters if match.product_id]
    files: dict[str, Product | StaticCalibration] = {
        **look.products.by_id(used),
        **look.statics.by_id(used),
    }
    for match in block.masters:
        if match.member:
            kept = files.get(match.product_id)
            name = _word(kept.name) if kept else f"{match.category}.{match.source_block}"
            yield _line("RAWFILE", f"{name} {match.category}", f"{match.state}, member")
            continue
        optional = "" if match.required else "optional"
        if match.state is MatchState.MISSING:
            yield _line("MCALIB", f"MISSING {_NONE} {match.category} {_NONE}", optional)
            continue
        file = files.get(match.product_id)
        source = file.name if file else f"{match.category}.{match.source_block}"
        distance = f"{match.distance_days or 0.0:+.3f} days" if match.source_block else "static"
        comment = f"{distance} {optional}".rstrip()
        yield _line(
            "MCALIB", f"{match.state} {_word(source)} {match.category} {match.level}", comment
        )
    virtual = {one.source_block for one in block.masters if one.state is MatchState.VIRTUAL}
    for source in sorted(virtual):
        yield _line("WAITFOR", f"{source}.ab")


def _outcome(look: Transaction, block: AssociationBlock) -> Iterator[str]:
    for product in look.products.of_block(block.name, block.revision):
        text = f"{_word(product.name)} {product.category} {product.file_id}"
        yield _line("PRODUCTS", text, str(product.state))
    jobs = [job for job in look.jobs.of_block(block.name) if job.elapsed_s is not None]
    if jobs:
        yield _line("T_EXEC", f"{jobs[-1].elapsed_s:.3f}", "seconds")
    if block.problem:
        yield _line("AB_PROBLEM", block.problem)


def _line(key: str, value: str, comment: str = "") -> str:
    text = f"{key:<16} {value}"
    return f"{text:<{_COMMENT_COLUMN}} #{comment}" if comment else text


def _word(text: str) -> str:
    return re.sub(r"[%\s]", lambda found: f"%{ord(found.group()):02x}", text)
