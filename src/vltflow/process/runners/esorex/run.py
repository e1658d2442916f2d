"""One run of a recipe by esorex, in the folder of its job."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vltflow.core.errors import DoesNotFit, RecipeCrashed, RecipeError, RunnerMissing
from vltflow.fits import amend
from vltflow.process.executors.commands import signal_name
from vltflow.process.executors.folders import work_environment
from vltflow.process.executors.interface import JobSpec
from vltflow.process.resources import ProgramUsage, watched
from vltflow.process.result import JobResult, MadeFile
from vltflow.process.runners.esorex.messages import first_error, without_noise
from vltflow.process.runners.esorex.products import PRODUCTS_FILE, collect_products
from vltflow.process.runners.frames import fetch, master_path
from vltflow.store import Vault

INPUTS = "inputs"
_SET_OF_FRAMES = "inputs.sof"

log = logging.getLogger(__name__)


def run_esorex(spec: JobSpec, folder: Path, lock: int) -> JobResult:
    """Run a recipe of ESO on the files of a job; products stay in `folder`.

    The exit status decides; files that a failed recipe leaves behind count for nothing.

    Parameters
    ----------
    spec
        The job; its payload names program, recipe, parameters, frames, masters, products.
    folder
        Folder of the job.
    lock
        Descriptor of the job's lock: whatever the recipe starts inherits it.

    Raises
    ------
    RecipeCrashed
        If the program was killed by a signal: segmentation fault, abort.
    DoesNotFit
        If it used more memory than declared, and was stopped.
    RecipeError
        If it ended with another status than 0, with the first error that it printed.
    RunnerMissing
        If it is not there any more.
    VltflowError
        If an input cannot be had.
    """
    task = spec.payload
    sof = _laid_out(task, folder)
    (folder / _SET_OF_FRAMES).write_text(
        "".join(f"{name} {tag}\n" for name, tag in sof), encoding="utf-8"
    )
    argv = command(task)
    log.info("argv=%s", json.dumps(argv))
    try:
        process = subprocess.Popen(
            argv, cwd=folder, env=_environment(spec, folder), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=(lock,),
        )  # fmt: skip
    except OSError as error:
        raise RunnerMissing(
            f"{task['program']} cannot be started: {error.strerror}", hint="Install it again"
        ) from error
    said: list[str] = []
    reader = threading.Thread(target=_listen, args=(process, said), daemon=True)
    reader.start()
    usage = watched(process, spec.memory_mb)
    reader.join()
    _judge(spec, usage, "".join(said))
    made = collect_products(task, folder)
    result = _concluded(spec, made)
    return usage.into(result)


def command(task: Mapping[str, Any]) -> list[str]:
    """Program and arguments."""
    options = {
        "recipe-dir": task["plugin_folder"],
        "log-level": "off",
        "output-dir": ".",
        "products-sof": PRODUCTS_FILE,
        "suppress-prefix": "TRUE",
        "output-readonly": "FALSE",
    }
    parameters = {name: argument(value) for name, value in task["given"].items()}
    return [
        task["program"],
        *(f"--{name}={value}" for name, value in options.items()),
        task["recipe"],
        *(f"--{name}={value}" for name, value in parameters.items()),
        _SET_OF_FRAMES,
    ]


def argument(value: Any) -> str:
    """A parameter value as esorex reads it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return repr(value) if isinstance(value, float) else str(value)


def _laid_out(task: Mapping[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Inputs under their own names in a folder of their own: path and tag of each.

    Recipes write the names of their inputs into products, so these must tell what they are.
    """
    inputs = folder / INPUTS
    inputs.mkdir()
    rows = []
    for frame in task["frames"]:
        place = inputs / f"{frame['name']}.fits"
        path = fetch(frame, folder)
        if frame["repairs"]:
            shutil.copyfile(path, place)
            amend(place, frame["repairs"])
        else:
            place.symlink_to(path)
        rows.append((place, frame["tag"]))
    vault = Vault(task["vault"])
    for master in task["masters"]:
        place = inputs / master["name"]
        place.symlink_to(master_path(master, vault, folder))
        rows.append((place, master["tag"]))
    return [(str(place.relative_to(folder)), tag) for place, tag in rows]


def _environment(spec: JobSpec, folder: Path) -> dict[str, str]:
    """The scheduler's, without the user's own settings of esorex: they would change results."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ESOREX_")}
    threads = {"OMP_NUM_THREADS": str(spec.cores), "HOME": str(folder)}
    own: dict[str, str] = spec.payload["environment"]
    return kept | threads | own | work_environment(folder)


def _listen(process: subprocess.Popen[bytes], said: list[str]) -> None:
    """Pass on what the program prints, line by line, into the job's log; noise left out."""
    assert process.stdout is not None
    for line in process.stdout:
        text = without_noise(line.decode("utf-8", "replace"))
        if text:
            said.append(text)
            os.write(1, text.encode())


def _judge(spec: JobSpec, usage: ProgramUsage, said: str) -> None:
    status = usage.status
    cause = first_error(said)
    if usage.too_much:
        raise DoesNotFit(
            f"{spec.recipe} was stopped: it used {usage.peak_mb:.0f} MB, declared are "
            f"memory_mb = {spec.memory_mb}",
            hint="Raise it in recipes.yaml of the instrument if that is fair",
        )
    if status < 0:
        raise RecipeCrashed(
            f"{spec.recipe} was killed by {signal_name(-status)}" + (f"; {cause}" if cause else "")
        )
    if status:
        raise RecipeError(
            f"{spec.recipe} failed with status {status}: {cause or 'it did not say why'}",
            hint="The log has all that it printed",
        )


def _concluded(spec: JobSpec, made: list[MadeFile]) -> JobResult:
    there = {file.category for file in made}
    wanted = [one["category"] for one in spec.payload["products"] if one["main"]]
    missing = [category for category in wanted if category not in there]
    state = "SUCCEEDED" if not missing else "PARTIAL" if made else "FAILED"
    error = f"the recipe made no {', '.join(missing)}" if missing else ""
    return JobResult(spec.job_id, state, tuple(made), RecipeError.code if missing else "", error)
