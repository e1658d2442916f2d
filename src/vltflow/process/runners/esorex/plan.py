"""From an AB to what esorex is told: recipe, parameters, tagged files, products to expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vltflow.core.errors import NotFound
from vltflow.instruments import Instrument
from vltflow.process.materials import Materials, frame_payload
from vltflow.process.runners.esorex.metadata import recipe_metadata
from vltflow.process.runners.esorex.program import find_esorex
from vltflow.records import AssociationBlock, MatchState


def check_esorex(block: AssociationBlock, instrument: Instrument) -> None:
    """Raise RunnerMissing if esorex, or the plug-in with the recipe of an AB, is not installed."""
    execution = instrument.recipe_of(block.raw_type).execution
    find_esorex().plugin_of(execution.recipe, package=_package(instrument))


def esorex_version(instrument: Instrument, recipe: str) -> str:
    """Plug-in and version of a recipe of ESO, as jobs record them.

    Raises
    ------
    RunnerMissing
        If esorex, or the plug-in with the recipe, is not installed.
    """
    found = find_esorex().plugin_of(recipe, package=_package(instrument))
    return f"{found.name}/{found.version}"


def plan_esorex(
    block: AssociationBlock, instrument: Instrument, materials: Materials
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Version of ESO's recipe, all its parameters, and the payload of its job.

    Raises
    ------
    RunnerMissing
        If esorex, or the plug-in with the recipe, is not installed.
    ConfigurationError
        If ``recipes.yaml`` gives a parameter that the recipe has not, or a wrong value.
    MissingCalibration
        If the recipe declares an input that the definition does not give it.
    NotFound
        If a calibration is not in the registry.
    """
    execution = instrument.execution_of(block.raw_type, block.setup_keys)
    esorex = find_esorex()
    metadata = recipe_metadata(esorex, execution.recipe, package=_package(instrument))
    given = dict(execution.parameters)
    where = f"{instrument.folder}/recipes.yaml"
    parameters = metadata.resolved(given, where=where)
    frames = [
        frame_payload(frame, instrument)
        | {"tag": materials.tags.get(frame.frame_id, frame.raw_type)}
        for frame in materials.frames.get(block.name, ())
    ]
    calibrations = list(_calibrations(block, instrument, materials))
    metadata.check_inputs([one["tag"] for one in (*frames, *calibrations)])
    payload = {
        "program": str(esorex.path),
        "plugin_folder": metadata.folder,
        "recipe": execution.recipe,
        "given": {name: parameters[name] for name in given},
        "environment": dict(execution.environment),
        "frames": frames,
        "masters": calibrations,
        "products": [
            {"category": category, "main": product.main}
            for category, product in instrument.expected_of(block.raw_type).items()
        ],
    }
    return f"{metadata.plugin}/{metadata.version}", parameters, payload


def _package(instrument: Instrument) -> str:
    pipeline = instrument.header.pipeline
    return pipeline.package if pipeline else ""


def _calibrations(
    block: AssociationBlock, instrument: Instrument, materials: Materials
) -> Iterator[Mapping[str, str]]:
    """Masters and static calibrations with the tags under which the recipe takes them."""
    masters = instrument.masters_of(block.raw_type)
    statics = instrument.statics_of(block.raw_type)
    tags = {need.category: need.tag or need.category for need in masters}
    tags |= {need.category: need.tag or need.category for need in statics}
    for match in block.masters:
        if match.state is not MatchState.REAL or match.category not in tags:
            continue
        file = materials.products.get(match.product_id) or materials.statics.get(match.product_id)
        if file is None:
            raise NotFound(
                f"AB {block.name}: its {match.category} {match.product_id} is not registered",
                hint="Associate the night again",
            )
        yield {
            "category": match.category,
            "tag": tags[match.category],
            "name": file.name,
            "file_id": file.file_id,
            "product_id": match.product_id,
        }
