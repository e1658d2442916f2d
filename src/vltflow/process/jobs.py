"""From an AB to the job that processes it: parameters, inputs, their hash, resources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vltflow.core.errors import ConfigurationError, DoesNotFit, NotFound
from vltflow.core.identity import content_hash, new_id
from vltflow.core.site import Site
from vltflow.core.time import now_iso
from vltflow.instruments import Instrument
from vltflow.process.admission import Tokens
from vltflow.process.executors import JobSpec
from vltflow.process.materials import Materials, frame_payload
from vltflow.process.runners.esorex.plan import esorex_version, plan_esorex
from vltflow.process.runners.lookup import native_recipe
from vltflow.recipes import Recipe
from vltflow.records import AssociationBlock, Job, MatchState
from vltflow.store import Transaction

_RESOURCES = ("cores", "memory_mb", "wall_s")


@dataclass(frozen=True, slots=True)
class Task:
    """A job that could be submitted, and the AB it is for."""

    block: AssociationBlock
    job: Job
    payload: Mapping[str, Any]

    def spec(self, site: Site) -> JobSpec:
        """Description for an executor."""
        return JobSpec(
            job_id=self.job.job_id,
            recipe=self.job.recipe,
            runner=self.job.runner,
            work=(site.work / self.job.job_id).as_uri(),
            cores=self.job.cores,
            memory_mb=self.job.memory_mb,
            wall_s=self.job.wall_s,
            payload=dict(self.payload),
        )


def resources_of(
    tx: Transaction, block: AssociationBlock, instrument: Instrument, site: Site
) -> Mapping[str, int]:
    """Cores, memory (MB) and wall time (s) of the job of an AB.

    What ``recipes.yaml`` states counts. What it leaves open is the recipe's own estimate
    from the number and size of the frames, on no more cores than the site has.

    Raises
    ------
    DoesNotFit
        If the site can never run it.
    UnknownName
        If there is no such native recipe.
    """
    entry = instrument.recipe_of(block.raw_type)
    execution = instrument.execution_of(block.raw_type, block.setup_keys)
    if entry.executed_by == "esorex":
        return _checked_fit(block, {name: getattr(execution, name) for name in _RESOURCES}, site)
    given = execution.model_fields_set
    stated = {name: getattr(execution, name) for name in _RESOURCES if name in given}
    if len(stated) < len(_RESOURCES):
        recipe = native_recipe(execution.recipe)
        estimate = recipe.resources(len(block.frames), _pixels(tx, block, instrument))
        open_values = {name: getattr(estimate, name) for name in _RESOURCES}
        open_values["cores"] = min(open_values["cores"], site.cores)
        stated = open_values | stated
    return _checked_fit(block, stated, site)


def fewest_cores(block: AssociationBlock, instrument: Instrument) -> int | None:
    """Cores with which a job can do: one, where ``recipes.yaml`` leaves the number open.

    No result of a native recipe depends on it. None where the number is stated.
    """
    execution = instrument.execution_of(block.raw_type, block.setup_keys)
    is_open = instrument.recipe_of(block.raw_type).executed_by == "native"
    return 1 if is_open and "cores" not in execution.model_fields_set else None


def version_of(instrument: Instrument, raw_type: str, setup_keys: str) -> str:
    """Version of the recipe that would process a raw type now, as a job records it.

    Raises
    ------
    ConfigurationError
        If no runner can execute it.
    RunnerMissing
        If ESO's recipe is not installed.
    UnknownName
        If there is no such native recipe.
    """
    execution = instrument.execution_of(raw_type, setup_keys)
    if instrument.recipe_of(raw_type).executed_by == "native":
        return native_recipe(execution.recipe).version
    return esorex_version(instrument, execution.recipe)


def tokens_of(resources: Mapping[str, int]) -> Tokens:
    """Tokens that a job takes while it runs."""
    return Tokens(resources["cores"], resources["memory_mb"])


def make_task(
    block: AssociationBlock,
    *,
    instrument: Instrument,
    materials: Materials,
    resources: Mapping[str, int],
    vault_url: str,
) -> Task:
    """Job of an AB whose masters are all there.

    Raises
    ------
    ConfigurationError
        If a parameter in ``recipes.yaml`` is not one of the recipe's.
    NotFound
        If a master is not in the registry.
    RunnerMissing
        If ESO's recipe is not installed.
    MissingCalibration
        If ESO's recipe declares an input that the definition does not give it.
    """
    runner = instrument.recipe_of(block.raw_type).executed_by
    plan = plan_esorex if runner == "esorex" else _plan_native
    version, parameters, payload = plan(block, instrument, materials)
    payload |= {
        "version": version,
        "parameters": parameters,
        "context": instrument.context,
        "vault": vault_url,
    }
    work: dict[str, Any] = {
        "frames": sorted(frame["frame_id"] for frame in payload["frames"]),
        "masters": sorted(
            [one["category"], one["file_id"]]
            for one in (*payload["masters"], *payload.get("spectra", ()))
        ),
        "recipe": payload["recipe"],
        "version": version,
        "parameters": parameters,
        "context": instrument.context,
    }
    job = Job(
        job_id=new_id(),
        block=block.name,
        revision=block.revision,
        recipe=block.recipe,
        recipe_version=version,
        runner=runner or "none",
        parameters=json.dumps(parameters, sort_keys=True, separators=(",", ":")),
        input_hash=content_hash(work),
        created=now_iso(),
        cores=resources["cores"],
        memory_mb=resources["memory_mb"],
        wall_s=resources["wall_s"],
        context=instrument.context,
    )
    payload["input_hash"] = job.input_hash
    return Task(block, job, payload)


Plan = tuple[str, dict[str, Any], dict[str, Any]]
"""Version of the recipe, all its parameters, and what its runner is told."""


def _plan_native(block: AssociationBlock, instrument: Instrument, materials: Materials) -> Plan:
    execution = instrument.execution_of(block.raw_type, block.setup_keys)
    recipe = native_recipe(execution.recipe)
    frames = materials.frames.get(block.name, ())
    payload = {
        "native": execution.recipe,
        "recipe": recipe.name,
        "frames": [frame_payload(frame, instrument) for frame in frames],
        "masters": _masters(block, instrument, recipe, materials),
        "spectra": _spectra(block, instrument, materials),
        "chips": _chips(block, instrument),
    }
    return recipe.version, _parameters(recipe, execution.parameters, instrument), payload


def _parameters(recipe: Recipe, given: Mapping[str, Any], instrument: Instrument) -> dict[str, Any]:
    try:
        return recipe.parameters(**given).model_dump(mode="json")
    except ValidationError as error:
        allowed = ", ".join(recipe.parameters.model_fields) or "none"
        mistakes = "; ".join(
            f"{'.'.join(str(step) for step in mistake['loc'])}: {mistake['msg']}"
            for mistake in error.errors()
        )
        raise ConfigurationError(
            f"{instrument.folder}/recipes.yaml: parameters of {recipe.name}: {mistakes}",
            hint=f"Allowed: {allowed}",
        ) from error


def _masters(
    block: AssociationBlock, instrument: Instrument, recipe: Recipe, materials: Materials
) -> list[dict[str, str]]:
    """The masters and static calibrations that the recipe takes, with the chip of each."""
    wanted = {need.role for need in recipe.masters}
    places = instrument.places if wanted else {}
    found = []
    for match in block.masters if wanted else ():
        role, chip = places.get(match.category, (match.category, ""))
        if match.state is not MatchState.REAL or role not in wanted:
            continue
        file = materials.products.get(match.product_id) or materials.statics.get(match.product_id)
        if file is None:
            raise NotFound(
                f"AB {block.name}: its {match.category} {match.product_id} is not registered",
                hint="Associate the night again",
            )
        found.append(
            {
                "role": role,
                "chip": chip,
                "category": match.category,
                "name": file.name,
                "file_id": file.file_id,
                "product_id": match.product_id,
            }
        )
    return found


def _spectra(
    block: AssociationBlock, instrument: Instrument, materials: Materials
) -> list[dict[str, Any]]:
    """Products of single exposures that a stack is made of, with the chip of each, by time."""
    members = [match for match in block.masters if match.member and match.product_id]
    places = instrument.places if members else {}
    found = [(materials.products[match.product_id], match) for match in members]
    found.sort(key=lambda pair: (pair[0].mjd, pair[0].name))
    return [
        {
            "role": places[match.category][0],
            "chip": places[match.category][1],
            "category": match.category,
            "name": product.name,
            "file_id": product.file_id,
            "product_id": match.product_id,
        }
        for product, match in found
    ]


def _chips(block: AssociationBlock, instrument: Instrument) -> list[dict[str, Any]]:
    raw_type = instrument.raw_types[block.raw_type]
    made = instrument.expected_of(block.raw_type)
    return [
        chip.model_dump(mode="json")
        | {
            "products": [
                {"role": product.role, "category": category, "main": product.main}
                for category, product in made.items()
                if product.category.replace("{chip}", chip.name) == category
            ]
        }
        for chip in instrument.header.detectors[raw_type.detector]
    ]


def _pixels(tx: Transaction, block: AssociationBlock, instrument: Instrument) -> int:
    """Pixels of one chip of one frame, from the header that ingestion kept."""
    if not block.frames:
        return 0
    headers = tx.frames.headers(block.frames[0])
    chips = instrument.header.detectors[instrument.raw_types[block.raw_type].detector]
    sizes = [
        int(headers[chip.extension].get("NAXIS1") or 0)
        * int(headers[chip.extension].get("NAXIS2") or 0)
        for chip in chips
        if chip.extension < len(headers)
    ]
    return max(sizes, default=0)


def _checked_fit(
    block: AssociationBlock, resources: Mapping[str, int], site: Site
) -> Mapping[str, int]:
    for name, has in (("cores", site.cores), ("memory_mb", site.memory_mb)):
        if resources[name] > has:
            raise DoesNotFit(
                f"{block.recipe} needs {name} = {resources[name]}, the site has {has}",
                hint=f"Raise {name} under [process] in {site.folder}/vltflow.toml, "
                f"or lower {name} of {block.recipe} in recipes.yaml",
            )
    return resources
