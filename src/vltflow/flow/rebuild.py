"""Making a product again from what is recorded of it, and comparing the bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from vltflow.core.errors import NotFound, UnreadableFile
from vltflow.core.site import Site
from vltflow.fits import MOMENTS, Difference, differences, has_suffix, inspect, stem
from vltflow.flow.provenance import Origin, Provenance, provenance
from vltflow.instruments import Instrument, unpack_definition
from vltflow.process.executors import LocalExecutor
from vltflow.process.executors.folders import local_path
from vltflow.process.materials import read_tags
from vltflow.process.product_file import INPUT_HASH
from vltflow.process.remake import Recorded, Remade, remade
from vltflow.process.result import file_sha256
from vltflow.publish.making import later_of, make_files
from vltflow.publish.sources import gather
from vltflow.records import Product, RawFrame, ScienceProduct
from vltflow.store import Store, Vault

Progress = Callable[[int, int], None]
_MOMENTS = MOMENTS | {"ESO PRO REC1 START", "ESO PRO REC1 STOP"}
"""Keywords in which ESO's recipes tell when they ran, and those of any file."""
_MASTERS = "masters"
"""Folder of the masters that were made on the way."""


class Likeness(StrEnum):
    """How a product that was made again compares with the recorded one."""

    IDENTICAL = "IDENTICAL"
    """The same bytes."""
    EQUAL = "EQUAL"
    """The same data and keywords, but for the moments of writing."""
    DIFFERENT = "DIFFERENT"
    """Something else differs: `Rebuilt.differences` says what, `Rebuilt.causes` why."""
    NOT_MADE = "NOT MADE"
    """The recipe did not make it this time."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One product, made again."""

    product: Product | ScienceProduct
    likeness: Likeness
    path: Path | None
    """The new file; None if it was not made."""
    sha256: str = ""
    differences: tuple[Difference, ...] = ()
    causes: tuple[str, ...] = ()
    """What is not as it was: versions of software, the processor, the recipe, inputs."""


@dataclass(slots=True)
class _Workshop:
    """What a rebuild carries from job to job."""

    store: Store
    executor: LocalExecutor
    found: Provenance
    vault: Vault
    out: Path
    raws: Mapping[str, Path]
    cores: int | None
    replaced: dict[str, str] = field(default_factory=dict)
    """Vault id of the new file by product_id."""
    likeness: dict[str, Likeness] = field(default_factory=dict)
    """By product_id."""
    done: list[Rebuilt] = field(default_factory=list)


def rebuild(  # noqa: PLR0913 - what a user may choose
    store: Store,
    site: Site,
    product_ids: Sequence[str],
    out: Path,
    *,
    science: ScienceProduct | None = None,
    depth: int | None = None,
    raw: Path | None = None,
    cores: int | None = None,
    progress: Progress | None = None,
) -> list[Rebuilt]:
    """Make products again with the recorded recipes, parameters and definitions.

    Jobs run in a scratch folder with a vault of its own; the store is only read.

    Parameters
    ----------
    product_ids
        What is to be made; products of the same jobs come with it.
    out
        Folder for the files; masters made on the way go to ``masters/`` in it.
    science
        A science product that is made of these products: it is made again, too.
    depth
        How many levels of masters are made again: 0 takes the recorded masters; None makes
        all, down to the raw frames.
    raw
        Folder in which raw frames are looked for by name, if they are not where they were.
    cores
        Threads of native recipes; None: as recorded.
    progress
        Told the number of jobs done and to do.

    Raises
    ------
    UnreadableFile
        If a raw frame is gone or has other bytes.
    NotFound
        If a definition or a recorded master is not kept.
    RecipeError
        If a recipe fails.
    """
    found = provenance(store, product_ids, whole_jobs=True)
    jobs, out = _jobs(found, depth), out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".rebuild-", dir=out) as scratch:
        own = replace(site, folder=Path(scratch), vault=str(Path(scratch) / "vault"))
        own.work.mkdir()
        with LocalExecutor(own) as executor:
            shop = _Workshop(store, executor, found, Vault(own.vault), out, _by_name(raw), cores)
            for number, origins in enumerate(jobs):
                _make(shop, origins)
                if progress is not None:
                    progress(number + 1, len(jobs))
        if science is not None:
            shop.done.append(_republished(shop, science))
    return shop.done


def _jobs(found: Provenance, depth: int | None) -> list[list[Origin]]:
    """Products by job, those first that others are made with, as deep as wanted."""
    level = dict.fromkeys(_siblings(found, found.roots), 0)
    wave = list(level)
    while wave:
        used = {
            source.source
            for one in wave
            for source in found.origins[one].calibrations
            if source.kind == "master"
        }
        wave = [one for one in _siblings(found, used) if one not in level]
        level |= dict.fromkeys(wave, 1 + max(level.values()))
    chosen = {one for one, number in level.items() if depth is None or number <= depth}
    whole = Provenance(tuple(found.origins), found.origins)
    jobs: dict[str, list[Origin]] = {}
    for origin in whole.in_order:
        if origin.product.product_id in chosen:
            jobs.setdefault(origin.job.job_id, []).append(origin)
    return list(jobs.values())


def _siblings(found: Provenance, product_ids: Sequence[str] | set[str]) -> list[str]:
    jobs = {found.origins[one].job.job_id for one in product_ids}
    return [name for name, one in found.origins.items() if one.job.job_id in jobs]


def _by_name(raw: Path | None) -> dict[str, Path]:
    if raw is None:
        return {}
    return {stem(path.name): path for path in raw.rglob("*") if has_suffix(path.name)}


def _make(shop: _Workshop, origins: Sequence[Origin]) -> None:
    """Run the job of some products and compare what it made."""
    job = origins[0].job
    instrument = _definition(shop.store, origins[0])
    recorded = _recorded(shop, origins, instrument)
    with remade(
        shop.executor, instrument, recorded, vault_url=shop.vault.url, cores=shop.cores
    ) as made:
        files = {one.category: made.folder / one.file for one in made.result.products}
        for origin in origins:
            path = files.get(origin.product.category)
            if path is None:
                causes = (made.result.error or f"{job.recipe} made no such product",)
                shop.done.append(Rebuilt(origin.product, Likeness.NOT_MADE, None, causes=causes))
            else:
                rebuilt = _kept(shop, origin, path, made)
                shop.likeness[origin.product.product_id] = rebuilt.likeness
                shop.done.append(rebuilt)


def _definition(store: Store, origin: Origin) -> Instrument:
    context = origin.job.context or origin.block.context
    with store.read() as tx:
        try:
            file_id = tx.origins.definition(context)
        except NotFound as error:
            raise NotFound(
                f"{origin.product.name}: its instrument definition {context} is not in the store",
                hint="It was made before definitions were kept; process its AB again",
            ) from error
    return unpack_definition(store.vault.get_bytes(file_id), context)


def _recorded(shop: _Workshop, origins: Sequence[Origin], instrument: Instrument) -> Recorded:
    """All inputs of a job, raw frames checked, masters in the scratch vault."""
    raws = dict.fromkeys(frame for one in origins for frame in one.raws)
    frames = [_present(shop, shop.found.frames[one]) for one in raws]
    used = {one.source: one for origin in origins for one in origin.calibrations}
    masters = {
        source: _master(shop, shop.found.origins[source].product)
        for source, one in used.items()
        if one.kind == "master"
    }
    statics = {one: shop.found.statics[one] for one in used if one in shop.found.statics}
    for static in statics.values():
        _copy(shop, static.file_id)
    with shop.store.read() as tx:
        tags = read_tags(tx, frames, instrument)
    return Recorded(origins[0].job, origins[0].block, frames, tags, masters, statics)


def _present(shop: _Workshop, frame: RawFrame) -> RawFrame:
    """The frame where it lies now, if its bytes are those that were ingested.

    Raises
    ------
    UnreadableFile
        If it is gone or has other bytes.
    """
    path = shop.raws.get(frame.name)
    location = str(path.resolve()) if path is not None else frame.location
    if "://" in location and not location.startswith("file://"):
        return frame
    if not local_path(location).is_file():
        raise UnreadableFile(
            f"{frame.name}: not at {location} any more",
            hint="Fetch it from the archive by this name and give its folder with --raw",
        )
    seen = inspect(local_path(location), verify=False)
    if seen.fingerprint != frame.frame_id:
        raise UnreadableFile(
            f"{location}: its bytes are not those of {frame.name} that were ingested",
            hint="Fetch it again from the archive",
        )
    return replace(frame, location=location, size=seen.size)


def _master(shop: _Workshop, product: Product) -> Product:
    """A master with the bytes to take: the new ones if it was made again."""
    file_id = shop.replaced.get(product.product_id, "")
    if not file_id:
        _copy(shop, product.file_id)
        return product
    return replace(product, file_id=file_id)


def _copy(shop: _Workshop, file_id: str) -> None:
    if not shop.vault.exists(file_id):
        path = shop.store.vault.local_path(file_id, shop.executor.site.work)
        shop.vault.put_file(path, file_id=file_id)


def _kept(shop: _Workshop, origin: Origin, path: Path, made: Remade) -> Rebuilt:
    """Compare a new file with the recorded one, put it where people and later jobs find it."""
    product = origin.product
    file_id = shop.vault.put_file(path)
    shop.replaced[product.product_id] = file_id
    asked = {shop.found.origins[root].job.job_id for root in shop.found.roots}
    target = shop.out if product.job_id in asked else shop.out / _MASTERS
    target.mkdir(exist_ok=True)
    shutil.copyfile(path, target / product.name)
    rebuilt = Rebuilt(product, Likeness.IDENTICAL, target / product.name, file_id)
    if file_id == product.file_id:
        return rebuilt
    with tempfile.TemporaryDirectory(dir=shop.out) as folder:
        before = shop.store.vault.local_path(product.file_id, Path(folder))
        found = differences(before, path, ignored=_ignored(shop, origin))
    likeness = Likeness.DIFFERENT if found else Likeness.EQUAL
    causes = tuple(_causes(shop, origin, made)) if found else ("the moment of writing",)
    return replace(rebuilt, likeness=likeness, differences=tuple(found), causes=causes)


def _ignored(shop: _Workshop, origin: Origin) -> frozenset[str]:
    """Keywords that may differ; the hash of the job's inputs follows if one has another date."""
    job = [one for one in shop.found.origins.values() if one.job.job_id == origin.job.job_id]
    sources = {used.source for one in job for used in one.calibrations}
    equal = any(shop.likeness.get(one) is Likeness.EQUAL for one in sources)
    return _MOMENTS | {INPUT_HASH} if equal else _MOMENTS


def _causes(shop: _Workshop, origin: Origin, made: Remade) -> Iterator[str]:
    before, now = origin.versions, made.result.software
    if not before:
        yield "versions of software were not recorded when it was made"
    for name in dict.fromkeys([*before, *now]) if before else ():
        if before.get(name) != now.get(name):
            yield f"{name}: {before.get(name, 'none')} then, {now.get(name, 'none')} now"
    if made.task.job.recipe_version != origin.job.recipe_version:
        versions = f"{origin.job.recipe_version} then, {made.task.job.recipe_version} now"
        yield f"version of {origin.job.recipe}: {versions}"
    for used in origin.calibrations:
        if shop.likeness.get(used.source) is Likeness.DIFFERENT:
            yield f"made with {used.name}, which is different"


def _republished(shop: _Workshop, science: ScienceProduct) -> Rebuilt:
    """A science product made again of the new files, under the archive's name of then."""
    instrument = _definition(shop.store, shop.found.origins[science.inputs[0]])
    with shop.store.read() as tx:
        sources = gather(tx, instrument, science.block)
    if science.revision != sources.block.revision:
        causes = (f"AB {science.block} has revision {sources.block.revision} now",)
        return Rebuilt(science, Likeness.NOT_MADE, None, causes=causes)
    renewed = {
        chip: {role: _master(shop, product) for role, product in roles.items()}
        for chip, roles in sources.products.items()
    }
    place = shop.executor.site.work / science.science_id
    place.mkdir()
    later = later_of(sources, science.archive_name)
    files = make_files(
        replace(sources, products=renewed), instrument, shop.vault, place, later=later
    )
    for path in (files.path, *(one.path for one in files.companions)):
        shutil.copyfile(path, shop.out / path.name)
    target = shop.out / science.name
    rebuilt = Rebuilt(science, Likeness.IDENTICAL, target, file_sha256(target))
    if rebuilt.sha256 == science.file_id:
        return rebuilt
    before = shop.store.vault.local_path(science.file_id, place)
    found = tuple(differences(before, target, ignored=_MOMENTS))
    changed = [one for one in science.inputs if shop.likeness.get(one) is not Likeness.IDENTICAL]
    names = ", ".join(shop.found.origins[one].product.name for one in changed)
    cause = f"made of {names}, not the same to the bit" if changed else "definition or scores"
    likeness = Likeness.DIFFERENT if found else Likeness.EQUAL
    return replace(rebuilt, likeness=likeness, differences=found, causes=(cause,))
