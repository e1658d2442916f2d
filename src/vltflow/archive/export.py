"""Files handed out of the vault under the names of the products."""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vltflow.core.errors import Conflict, NotFound, UnknownName, UserError, VaultError
from vltflow.records import Product
from vltflow.store import Store, Transaction

_BLOCK = 1 << 20


class KeptFile(Protocol):
    """A record of a file in the vault: a product, a science product, what goes with it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def file_id(self) -> str: ...  # noqa: D102


def export_products(
    store: Store, names: Sequence[str], folder: Path, *, link: bool = False
) -> list[Path]:
    """Copy products into a folder, each checked and under its own name.

    A file appears whole or not at all; one that is there already with the same
    content stays.

    Parameters
    ----------
    names
        Names of products, or of ABs: all products of an AB's latest revision that has some.
    link
        Make symbolic links into the vault where that is a local folder.

    Returns
    -------
    list of Path
        The files, in the order of `names`.

    Raises
    ------
    UnknownName
        If a name is neither that of a product nor of an AB.
    Conflict
        If a file of this name with other content stands in the folder.
    VaultError
        If a file in the vault is damaged.
    UserError
        If the folder cannot be written.
    """
    with store.read() as tx:
        products = [product for name in names for product in _products(tx, name)]
    return export_files(store, products, folder, link=link)


def export_files(
    store: Store, files: Sequence[KeptFile], folder: Path, *, link: bool = False
) -> list[Path]:
    """Copy files of the vault into a folder, each checked and under its own name.

    Raises
    ------
    Conflict, VaultError, UserError
        As `export_products`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_export(store, file, folder, link=link) for file in files]
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror or error}") from error


def _products(tx: Transaction, name: str) -> list[Product]:
    made = tx.products.of_block(name)
    if made:
        latest = max(product.revision for product in made)
        return [product for product in made if product.revision == latest]
    try:
        return [tx.products.by_name(name)]
    except NotFound as error:
        raise UnknownName(
            f"{name!r} is neither a product nor an AB with products",
            hint="`vltflow masters find` and `vltflow ab show` list the names",
        ) from error


def _export(store: Store, product: KeptFile, folder: Path, *, link: bool) -> Path:
    target = folder / product.name
    if target.exists():
        if _hash(target) != product.file_id:
            raise Conflict(
                f"{target} exists with other content", hint="Move it away or choose another folder"
            )
        return target
    temporary = folder / f".{product.name}.{uuid.uuid4().hex}"
    try:
        with tempfile.TemporaryDirectory(dir=folder) as downloads:
            source = _checked_path(store, product, Path(downloads))
            if link and not source.is_relative_to(downloads):
                temporary.symlink_to(source.resolve())
            elif _copy(source, temporary) != product.file_id:
                raise VaultError(f"{product.name} changed while it was copied from {source}")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _checked_path(store: Store, product: KeptFile, downloads: Path) -> Path:
    try:
        return store.vault.local_path(product.file_id, downloads)
    except VaultError as error:
        raise VaultError(f"{product.name}: {error}") from error


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(_BLOCK):
            digest.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()
