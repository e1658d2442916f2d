"""What the reduction of a folder found and made: records, files for people, a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from vltflow import archive, qc
from vltflow.core.errors import UserError, VltflowError
from vltflow.fits import write_bytes
from vltflow.flow.lacks import ARCHIVE, Lack, done_without, lacks
from vltflow.instruments import Instrument
from vltflow.process.result import file_sha256
from vltflow.process.rules import MADE, needed_for
from vltflow.records import (
    AssociationBlock,
    BlockState,
    Colour,
    MatchState,
    Product,
    ProductState,
    ScienceProduct,
    ScienceState,
    Score,
    score_text,
)
from vltflow.store import Store

PRODUCTS = "products"
INDEX = "index.html"
_pages = Environment(
    loader=PackageLoader("vltflow.flow", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class ScienceRow:
    """One science AB of the folder and what became of it."""

    ab: str
    instrument: str
    target: str
    setup: str
    raw_type: str
    exposures: int
    state: str
    score: str
    problem: str
    products: tuple[str, ...]
    """File names in the products folder."""
    red: tuple[str, ...] = ()
    """QC1 parameters with a red score."""

    @property
    def remark(self) -> str:
        """What a person should know of it."""
        red = f"red: {', '.join(self.red)}" if self.red else ""
        return "; ".join(filter(None, [self.problem, red]))


@dataclass(slots=True)
class Reduced:
    """What a reduction of a folder found and made."""

    folder: Path
    """With the products."""
    frames: int = 0
    instruments: tuple[str, ...] = ()
    found: list[tuple[str, str, int]] = field(default_factory=list)
    """Instrument, raw type ('' = unknown) and number of its frames."""
    nights: list[str] = field(default_factory=list)
    """Of all frames, ascending."""
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """Files that could not be read, with the reason; they are left alone."""
    others: list[tuple[str, str]] = field(default_factory=list)
    """Files that nobody needs, with the reason: copies, and what does not end as FITS files do."""
    unknown: list[str] = field(default_factory=list)
    """Frames that no rule recognises."""
    science: list[ScienceRow] = field(default_factory=list)
    calibrations: dict[str, int] = field(default_factory=dict)
    """Calibration ABs that were needed, by state; all, where there is no science."""
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Calibration ABs that failed, with the problem."""
    doubts: list[tuple[str, str]] = field(default_factory=list)
    """Calibration ABs with red scores that were used nevertheless, and the QC1 parameters."""
    lacks: list[Lack] = field(default_factory=list)
    """Calibrations that science waits for."""
    without: list[Lack] = field(default_factory=list)
    """Calibrations that science was made without: a response, and the flux would be absolute."""
    files: list[Path] = field(default_factory=list)

    @property
    def left_alone(self) -> list[tuple[str, str]]:
        """Files of which nothing was made, with the reason; of many with one reason the first."""
        unknown = [(name, "no rule of the instrument recognises it") for name in self.unknown]
        names: dict[str, list[str]] = {}
        for name, reason in self.others:
            names.setdefault(reason, []).append(name)
        others = [
            (several[0] if len(several) == 1 else f"{several[0]} and {len(several) - 1} more", why)
            for why, several in names.items()
        ]
        return [*self.rejected, *unknown, *others]

    @property
    def is_complete(self) -> bool:
        """Whether all science of the folder was reduced and published, and no file was bad."""
        made = all(row.state in MADE and not row.problem for row in self.science)
        return made and not self.rejected and not self.failures and not self.unknown


def is_science(instrument: Instrument, block: AssociationBlock) -> bool:
    """Whether an AB holds science."""
    return instrument.raw_types[block.raw_type].kind == "science"


def gather(store: Store, instrument: Instrument, out: Reduced) -> None:
    """What the folder holds of an instrument now; its products are copied out."""
    with store.read() as tx:
        blocks = tx.blocks.find(instrument=instrument.name)
        frames = list(tx.frames.find(instrument=instrument.name))
        scores = tx.quality.scores([block.name for block in blocks])
    science = [block for block in blocks if is_science(instrument, block)]
    counts = Counter(frame.raw_type for frame in frames)
    out.found += [(instrument.name, kind, count) for kind, count in sorted(counts.items())]
    out.nights = sorted({*out.nights, *(frame.night for frame in frames)})
    out.unknown += [frame.name for frame in frames if not frame.raw_type]
    notes = {one.raw_type: one.note for one in instrument.classification.rules if one.note}
    out.others += [
        (frame.location, f"{frame.raw_type}: {notes[frame.raw_type]}")
        for frame in frames
        if frame.raw_type in notes and instrument.raw_types[frame.raw_type].group == "none"
    ]
    needed = needed_for(blocks, [one.name for one in science]) if science else blocks
    for block in [one for one in needed if not is_science(instrument, one)]:
        out.calibrations[str(block.state)] = out.calibrations.get(str(block.state), 0) + 1
        if red := _red(scores.get(block.name, [])):
            out.doubts.append((block.name, f"red: {', '.join(red)}"))
    # What failed is nobody's calibration any more: science waits for another one.
    out.failures += [
        (block.name, block.problem)
        for block in blocks
        if block.state in {BlockState.FAILED, BlockState.PARTIAL} and block not in science
    ]
    _clear(store, science, out.folder)
    rows = [_row(store, instrument, block, out) for block in science]
    out.science += sorted(rows, key=lambda row: -row.exposures)  # stacks first
    waiting = [row.ab for row in rows if row.state == BlockState.BLOCKED]
    out.lacks += lacks(store, instrument, waiting)
    made = [row.ab for row in rows if row.state in MADE]
    out.without += done_without(store, instrument, made)


def _row(store: Store, instrument: Instrument, block: AssociationBlock, out: Reduced) -> ScienceRow:
    with store.read() as tx:
        frames = tx.frames.of_blocks([block.name, *_members(block)])
        published = tx.science.find(block=block.name)
        made = tx.products.of_block(block.name, block.revision)
        scores = tx.quality.scores([block.name]).get(block.name, [])
    first = next((found[0] for found in frames.values() if found), None)
    files = _copied(store, published, made, instrument, out)
    page = _page(store, instrument, block, out.folder) if made else []
    out.files += [*files, *page]
    return ScienceRow(
        ab=block.name,
        instrument=instrument.name,
        target=first.object_name if first else "",
        setup=block.setup,
        raw_type=block.raw_type,
        exposures=sum(len(found) for found in frames.values()),
        state=str(block.state),
        score=score_text(scores),
        problem=block.problem,
        products=tuple(str(path.relative_to(out.folder)) for path in (*files, *page)),
        red=_red(scores),
    )


def _red(scores: Sequence[Score]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.parameter for one in scores if one.colour is Colour.RED))


def _members(block: AssociationBlock) -> list[str]:
    members = [match for match in block.masters if match.member]
    return [match.source_block for match in members if match.state is not MatchState.MISSING]


def _copied(
    store: Store,
    published: Sequence[ScienceProduct],
    made: Sequence[Product],
    instrument: Instrument,
    out: Reduced,
) -> list[Path]:
    """Science products with their previews; where none is published, the recipe's products."""
    files: list[archive.KeptFile] = []
    for one in published:
        files += _files(one)
    if not instrument.idp.spectra:
        files += list(made)
    try:
        return archive.export_files(store, files, out.folder)
    except VltflowError as error:
        out.failures.append((out.folder.name, str(error)))
        return []


def _clear(store: Store, science: Sequence[AssociationBlock], folder: Path) -> None:
    """Remove files of earlier versions, where nobody has changed them: the vault keeps them."""
    with store.read() as tx:
        found = [
            one
            for block in science
            for one in tx.science.find(block=block.name, states=tuple(ScienceState))
        ]
        made = [one for block in science for one in tx.products.of_block(block.name)]
    shown = {
        one.file_id
        for published in found
        if published.state is ScienceState.PUBLISHED
        for one in _files(published)
    }
    earlier = [one for published in found for one in _files(published)]
    earlier += [one for one in made if one.state is ProductState.SUPERSEDED]
    for one in earlier:
        path = folder / one.name
        if one.file_id not in shown and path.is_file() and file_sha256(path) == one.file_id:
            path.unlink()


def _files(published: ScienceProduct) -> list[archive.KeptFile]:
    return [published, *published.associated]


def _page(
    store: Store, instrument: Instrument, block: AssociationBlock, folder: Path
) -> list[Path]:
    """The QC report of an AB beside its products."""
    path = folder / "qc" / f"{block.name.replace(':', '-')}.html"
    _write(path, qc.report_page(store, instrument, block.name))
    return [path]


def write_index(out: Reduced) -> Path:
    """A page over all products, beside them."""
    page = _pages.get_template("reduce.html").render(
        out=out,
        archive=ARCHIVE,
        pictures={
            row.ab: [name for name in row.products if name.endswith((".png", ".svg"))]
            for row in out.science
        },
    )
    path = out.folder / INDEX
    _write(path, page.encode())
    return path


def _write(path: Path, content: bytes) -> None:
    """Write a page, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="Free some space or make it writable, and run it again: what is made is kept",
        ) from error
