"""A night of raw frames, each with its truth beside it."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vltflow.core.errors import UnknownName, UserError
from vltflow.core.time import iso_from_mjd, night_range
from vltflow.simulate import defects as faults
from vltflow.simulate.detector import bias_level, chip_maps, collect, read_noise, read_out
from vltflow.simulate.frame import frame_bytes, write_arrays, write_atomically
from vltflow.simulate.models import DAY_MS, model
from vltflow.simulate.plan import (
    Conditions,
    FaultyLight,
    OwnCards,
    OwnDetector,
    PlannedFrame,
    SmallDay,
    Template,
    WithTables,
    archive_prefix,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from vltflow.simulate.cards import Card
    from vltflow.simulate.defects import Disturbance, Victim
    from vltflow.simulate.detector import Layout
    from vltflow.simulate.image import Scene
    from vltflow.simulate.plan import Instrument

logger = logging.getLogger(__name__)

Truth = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """What was written for a night."""

    instrument: str
    night: str
    folder: Path
    files: tuple[Path, ...]
    """All files that look like frames, damaged ones and copies included."""
    blocks: tuple[Truth, ...]
    """The night's association blocks as they are meant (see ``night.truth.json``)."""
    defects: tuple[Truth, ...]
    """Defects with their victims."""


@dataclass(frozen=True, slots=True)
class _Order:
    """One template to simulate, for a worker process."""

    instrument: str
    night: str
    template: Template
    victims: tuple[Victim, ...]
    folder: Path
    seed: int
    small: bool


def simulate_day(  # noqa: PLR0913
    instrument: str,
    night: str,
    out: Path,
    *,
    seed: int = 1,
    small: bool = False,
    defects: Sequence[str] = (),
    raw_types: Collection[str] = (),
    setups: Collection[str] = (),
    templates: Sequence[Template] = (),
    progress: Callable[[int, int], None] | None = None,
) -> SimulatedDay:
    """Write the raw frames of a night and their truth.

    Parameters
    ----------
    instrument
        Name of the instrument, any case.
    night
        ISO date of the evening; frames run from noon UT to noon UT.
    out
        Folder for the frames; made if needed. Frames of the same name are replaced.
    seed
        Noise and victims depend on it; the chips and their drift do not.
    small
        Small detectors with the same gain, noise, level and dark current, or fewer frames.
    defects
        Names from `DEFECTS`.
    raw_types, setups
        Only templates of these, as ``BIAS_BLUE``, ``red_1x1_580nm_0.6``; all if none is given.
    templates
        What is observed instead of the night's own templates; see `chosen_science`.
    progress
        Called with the number of templates done, and of all.

    Returns
    -------
    SimulatedDay
        Truth: ``NAME.truth.json`` beside each frame, ``truth/``, ``night.truth.json``.

    Raises
    ------
    UnknownName
        If the instrument, a defect, a raw type or a setup is unknown.
    UserError
        If the night is no date, or the instrument's light knows no such defect.
    """
    simulated = model(instrument)
    _refuse_unpainted(simulated, defects)
    templates = templates or _templates(simulated, night, small=small)
    templates = _chosen(templates, raw_types, setups)
    victims = faults.choose_victims(defects, templates, night=night, seed=seed)
    _write_maps(simulated, templates, out / "truth", small=small)
    own = {t.ordinal: tuple(v for v in victims if v.template == t.ordinal) for t in templates}
    orders = [
        _Order(instrument.lower(), night, one, own[one.ordinal], out, seed, small)
        for one in templates
    ]
    return _finish(simulated.name, night, out, _run(orders, small=small, progress=progress))


def _templates(instrument: Instrument, night: str, *, small: bool) -> Sequence[Template]:
    try:
        night_range(night)
    except ValueError as error:
        raise UserError(f"'{night}' is no night; give a date such as 2015-02-26") from error
    templates = instrument.templates(night)
    return instrument.small(templates) if small and isinstance(instrument, SmallDay) else templates


def _chosen(
    templates: Sequence[Template], raw_types: Collection[str], setups: Collection[str]
) -> Sequence[Template]:
    _refuse_unknown("raw type", raw_types, {one.raw_type for one in templates})
    _refuse_unknown("setup", setups, {one.setup.label for one in templates})
    return [
        one
        for one in templates
        if (not raw_types or one.raw_type in raw_types)
        and (not setups or one.setup.label in setups)
    ]


def _refuse_unpainted(instrument: Instrument, defects: Sequence[str]) -> None:
    painted = instrument.faults if isinstance(instrument, FaultyLight) else frozenset()
    if unknown := sorted(faults.LIGHT_FAULTS.intersection(defects) - painted):
        raise UserError(f"{instrument.name} is simulated without {', '.join(unknown)}")


def _refuse_unknown(what: str, given: Collection[str], known: Collection[str]) -> None:
    if unknown := sorted(set(given) - set(known)):
        raise UnknownName(
            f"no {what} {', '.join(unknown)} is simulated",
            hint=f"Known: {', '.join(sorted(known))}",
        )


def _run(
    orders: Sequence[_Order], *, small: bool, progress: Callable[[int, int], None] | None
) -> list[Truth]:
    """Simulate all templates: full frames in as many processes as there are cores."""
    blocks: list[Truth] = []
    # Small frames are written sooner than a worker starts.
    quick = small or all(order.template.setup.window for order in orders)
    workers = 1 if quick else min(4, os.cpu_count() or 1)
    if workers == 1:
        results: Iterator[Truth] = map(_simulate_template, orders)
        for number, block in enumerate(results, 1):
            blocks.append(block)
            if progress:
                progress(number, len(orders))
        return blocks
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        # Longest first: darks and the red arm's flats keep all workers busy to the end.
        waiting = [pool.submit(_simulate_template, order) for order in sorted(orders, key=_cost)]
        for number, future in enumerate(as_completed(waiting), 1):
            blocks.append(future.result())
            if progress:
                progress(number, len(orders))
    return blocks


def _cost(order: _Order) -> float:
    template = order.template
    return -template.count / template.setup.binning**2 * (2.0 if template.setup.arm == "red" else 1)


def _finish(instrument: str, night: str, out: Path, blocks: list[Truth]) -> SimulatedDay:
    blocks = sorted(blocks, key=lambda block: str(block["start"]))
    found = [defect for block in blocks for defect in block["defects"]]
    content = {"instrument": instrument, "night": night, "blocks": blocks, "defects": found}
    _write_json(out / "night.truth.json", content)
    files = [out / name for block in blocks for name in block["files"]]
    logger.info("night=%s blocks=%d files=%d", night, len(blocks), len(files))
    return SimulatedDay(instrument, night, out, tuple(files), tuple(blocks), tuple(found))


def _write_maps(
    instrument: Instrument, templates: Sequence[Template], folder: Path, *, small: bool
) -> None:
    """Maps of all chips in use, once a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    instrument.shared_truth(folder)
    layouts = {
        layout.key: layout
        for setup in {template.setup for template in templates}
        for chip in instrument.chips(setup)
        for layout in (instrument.layout(chip, setup, small=small),)
    }
    for layout in layouts.values():
        maps = chip_maps(layout)
        write_arrays(
            folder / f"{layout.key}.npz",
            {
                "response": maps.response,
                "dark_rate": maps.dark_rate,
                "hot": maps.hot,
                "bias_rows": maps.bias_rows,
                "bias_columns": maps.bias_columns,
                "data_section": np.array([layout.prescan, layout.columns]),
            },
        )


def _simulate_template(order: _Order) -> Truth:
    """Write the frames of one template; gives the block's truth."""
    instrument, template = model(order.instrument), order.template
    arrived: list[str] = []
    files: list[str] = []
    lost = set(template.missing)
    noted: list[Truth] = []
    scenes: dict[str, Scene] = {}
    for number in range(1, template.count + 1):
        frame = PlannedFrame(order.night, template, number, archive_prefix(instrument))
        names = [v.defect for v in order.victims if v.hits(number)]
        noted += [{"defect": name, "frame": frame.name} for name in names]
        if any(v.loses_frame for v in order.victims if v.hits(number)):
            lost.add(number)
        if number in template.missing or not faults.NEVER_ARRIVES.isdisjoint(names):
            continue
        files += _simulate_frame(order, frame, names, scenes)
        arrived.append(frame.name)
    return _block_truth(order, arrived, files, lost, noted)


def _block_truth(
    order: _Order, arrived: list[str], files: list[str], lost: set[int], noted: list[Truth]
) -> Truth:
    template = order.template
    first = PlannedFrame(order.night, template, 1, "")
    return {
        "start": iso_from_mjd(first.mjd),
        "raw_type": template.raw_type,
        "setup": template.setup.label,
        "setup_values": asdict(template.setup),
        "tpl_id": template.tpl_id,
        "tpl_start": iso_from_mjd(night_range(order.night)[0] + template.start_ms / DAY_MS)[:19],
        "grouping": template.grouping or ("tpl" if template.count > 1 else "none"),
        "expected": template.count,
        "frames": arrived,
        "unusable": sorted(lost),
        "complete": not lost,
        "files": files,
        "defects": noted,
    }


def _simulate_frame(
    order: _Order, frame: PlannedFrame, names: list[str], scenes: dict[str, Scene]
) -> list[str]:
    """Write one frame with its truth; gives the names of the files that look like frames."""
    instrument = model(order.instrument)
    disturbed = faults.disturbance(names)
    lived = replace(frame, template=faults.disturb_template(frame.template, disturbed))
    setup = lived.template.setup
    layouts = [
        instrument.layout(chip, setup, small=order.small) for chip in instrument.chips(setup)
    ]
    pixels, chips = _contents(order, lived, layouts, scenes, disturbed)
    headers = _headers(instrument, lived, layouts, pixels)
    content = frame_bytes(faults.change_cards(headers, names, instrument.mandatory_keyword), pixels)
    if any(victim.defect == "wrong-checksum" for victim in order.victims):
        content = faults.with_checksums(content)
    written = {f"{frame.name}.fits": faults.change_bytes(content, names)}
    if "duplicate-file" in names:
        written[f"{frame.name}_copy.fits"] = content
    if "foreign-instrument" in names:
        name = frame.name.replace(frame.prefix, faults.FOREIGN_INSTRUMENT)
        written[f"{name}.fits"] = frame_bytes(faults.foreign_cards(headers, name), pixels)
    for name, data in written.items():
        write_atomically(order.folder / name, data)
    _write_json(order.folder / f"{frame.name}.truth.json", _frame_truth(lived, frame, names, chips))
    return list(written)


def _contents(
    order: _Order,
    frame: PlannedFrame,
    layouts: list[Layout],
    scenes: dict[str, Scene],
    disturbed: Disturbance,
) -> tuple[Sequence[np.ndarray | None], Sequence[Truth]]:
    """What the detectors give, and the truth about each."""
    instrument = model(order.instrument)
    if isinstance(instrument, OwnDetector):
        faulty = {"light": disturbed.light, "ron": disturbed.ron, "level": disturbed.level}
        return instrument.expose(frame, Conditions(order.seed, order.small, **faulty))
    pixels: list[np.ndarray | None] = []
    chips = []
    for hdu, layout in enumerate(layouts):
        scene = _scene(order, frame, layout, scenes)
        image, truth = _expose(order, frame, layout, scene, disturbed)
        pixels.append(image)
        chips.append({"hdu": hdu if len(layouts) == 1 else hdu + 1, **truth})
    if isinstance(instrument, WithTables):
        pixels += instrument.tables(frame)
    return pixels, chips


def _headers(
    instrument: Instrument,
    frame: PlannedFrame,
    layouts: list[Layout],
    pixels: Sequence[np.ndarray | None],
) -> list[list[Card]]:
    if isinstance(instrument, OwnCards):
        return instrument.exposed_cards(frame, [None if p is None else p.shape for p in pixels])
    return instrument.cards(frame, layouts)


def _scene(
    order: _Order, frame: PlannedFrame, layout: Layout, scenes: dict[str, Scene]
) -> Scene | None:
    """The light of the template on a chip; made once and kept for the other frames."""
    instrument = model(order.instrument)
    if not instrument.uses_light(frame.template):
        return None
    name = _light_file(frame, layout.chip.label)
    if name not in scenes:
        scenes[name] = instrument.scene(frame, layout)
        write_arrays(order.folder / name, scenes[name].arrays)
    return scenes[name]


def _light_file(frame: PlannedFrame, label: str) -> str:
    """Where the light is written: of a chosen source, and of a fault, each frame has its own."""
    own = frame.template.source is not None or frame.template.fault
    first = frame if own else replace(frame, number=1)
    return f"truth/{first.name}_{label}.npz"


def _expose(
    order: _Order,
    frame: PlannedFrame,
    layout: Layout,
    scene: Scene | None,
    disturbed: Disturbance,
) -> tuple[np.ndarray, Truth]:
    """Raw image of one chip and its truth."""
    chip, exptime = layout.chip, frame.template.exptime
    rng = np.random.Generator(
        np.random.SFC64([order.seed, zlib.crc32(frame.name.encode()), chip.index])
    )
    level = bias_level(chip, frame.mjd, layout.binning) + disturbed.level
    ron = read_noise(chip, frame.mjd) * disturbed.ron
    truth: Truth = {
        "chip": chip.name,
        "label": chip.label,
        "maps": f"truth/{layout.key}.npz",
        "bias_level_adu": level,
        "read_noise_e": ron,
        "conad_e_per_adu": chip.conad,
        "dark_e_per_hour": chip.dark_rate * layout.binning**2,
        "full_well_e": chip.full_well * layout.binning,
        "cosmic_ray_hits": 0,
    }
    if exptime == 0.0 and scene is None:
        return read_out(rng, None, layout, level=level, ron=ron), truth
    maps = chip_maps(layout)
    expected = maps.dark_rate * np.float32(exptime)
    if scene is not None:
        expected += scene.image * maps.response * np.float32(disturbed.light)
        truth["light"] = {
            **scene.truth,
            "factor": disturbed.light,
            "arrays": _light_file(frame, chip.label),
        }
    electrons, truth["cosmic_ray_hits"] = collect(
        rng, expected, layout, exptime, trails=disturbed.trails
    )
    if disturbed.trails:
        truth["cosmic_ray_trails"] = disturbed.trails
    return read_out(rng, electrons, layout, level=level, ron=ron), truth


def _frame_truth(
    lived: PlannedFrame, frame: PlannedFrame, names: list[str], chips: Sequence[Truth]
) -> Truth:
    template = frame.template
    return {
        "name": frame.name,
        "night": frame.night,
        "raw_type": template.raw_type,
        "setup": lived.template.setup.label,
        "setup_values": asdict(lived.template.setup),
        "tpl_id": template.tpl_id,
        "tpl_nexp": template.count,
        "tpl_expno": frame.number,
        "mjd_obs": frame.mjd,
        "exptime_s": template.exptime,
        "defects": names,
        "chips": chips,
    }


def _write_json(path: Path, content: Truth) -> None:
    write_atomically(path, json.dumps(content, indent=1).encode())
