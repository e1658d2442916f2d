"""What esorex made: the products it names, their provenance, and what stands beside them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vltflow.core.errors import RecipeError
from vltflow.fits import Header, amend, scan
from vltflow.plots import save_figures
from vltflow.process.product_file import HASH_DIGITS, INPUT_HASH
from vltflow.process.result import MadeFile, file_sha256
from vltflow.process.runners.esorex.figures import figures_of_product
from vltflow.process.runners.esorex.paf import quality_parameters

PRODUCTS_FILE = "products.json"

log = logging.getLogger(__name__)


def collect_products(task: Mapping[str, Any], folder: Path) -> list[MadeFile]:
    """Products that esorex named after a success and that the definition declares.

    Each gets the context of the definition, and the QC1 parameters of PAF files that no
    header has, into its primary header.

    Raises
    ------
    RecipeError
        If esorex left no list, a file of the list is absent, or two claim one PRO CATG.
    """
    declared = {product["category"] for product in task["products"]}
    ids = _ids_by_name(task)
    made: dict[str, MadeFile] = {}
    for path, tag in _listed(folder):
        headers = scan(path)
        category = str(headers[0].get("ESO PRO CATG") or tag)
        if category not in declared:
            log.info("product=%s category=%s left out: not declared", path.name, category)
            continue
        if category in made:
            raise RecipeError(
                f"{task['recipe']} made {made[category].file} and {path.name}, both {category}",
                hint="Let the recipe merge its products, or declare one of them only",
            )
        amend(path, {**_origin(task), **_beside(path, headers, folder)})
        figures = path.with_suffix(".npz")
        save_figures(figures, figures_of_product(path))
        made[category] = MadeFile(
            category=category,
            file=path.name,
            sha256=file_sha256(path),
            size=path.stat().st_size,
            figures=figures.name,
            figures_sha256=file_sha256(figures),
            inputs=provenance(headers[0], ids) or tuple(ids.values()),
        )
    return list(made.values())


def provenance(header: Mapping[str, Any], ids: Mapping[str, str]) -> tuple[str, ...]:
    """Identifiers of the raw frames and calibrations that PRO REC1 names, in that order.

    Parameters
    ----------
    header
        Primary header of a product.
    ids
        frame_id and product_id by file name.
    """
    found = []
    for kind in ("RAW", "CAL"):
        number = 1
        while (name := header.get(f"ESO PRO REC1 {kind}{number} NAME")) is not None:
            found += [ids[str(name)]] if str(name) in ids else []
            number += 1
    return tuple(dict.fromkeys(found))


def _origin(task: Mapping[str, Any]) -> dict[str, Any]:
    return {"ESO DRS CONTEXT": task["context"], INPUT_HASH: task["input_hash"][:HASH_DIGITS]}


def _ids_by_name(task: Mapping[str, Any]) -> dict[str, str]:
    frames = {f"{frame['name']}.fits": frame["frame_id"] for frame in task["frames"]}
    return frames | {master["name"]: master["product_id"] for master in task["masters"]}


def _listed(folder: Path) -> Sequence[tuple[Path, str]]:
    """Files and tags that esorex says it made."""
    try:
        rows = json.loads((folder / PRODUCTS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"esorex left no list of its products: {error}") from error
    listed = [(folder / Path(row["name"]).name, row["category"]) for row in rows]
    absent = [path.name for path, _ in listed if not path.is_file()]
    if absent:
        raise RecipeError(f"esorex names products that are not there: {', '.join(absent)}")
    return [(path, tag) for path, tag in listed if path.suffix in {".fits", ".fit", ".tfits"}]


def _beside(path: Path, headers: Sequence[Header], folder: Path) -> dict[str, Any]:
    """QC1 parameters of the PAF file of a product that its headers do not have."""
    known = {name for header in headers for name in header}
    found: dict[str, Any] = {}
    for paf in sorted(folder.glob("*.paf")):
        if paf.stem == path.stem or len(list(folder.glob("*.paf"))) == 1:
            for name, value in quality_parameters(paf.read_text("ascii", "replace")).items():
                if f"ESO {name}" not in known:
                    found[f"ESO {name}"] = value
    return found
