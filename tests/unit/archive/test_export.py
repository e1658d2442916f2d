import hashlib

import pytest

from vltflow.archive import export_products
from vltflow.core.errors import Conflict, UnknownName, UserError, VaultError
from vltflow.store import Store

RED = {"MASTER_BIAS_REDL": {}, "MASTER_BIAS_REDU": {}}


def _hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _vault_path(store, product):
    return store.vault.local_path(product.file_id, None)


def test_products_come_out_under_their_names_whole(sqlite_store, add_block, tmp_path):
    made = add_block(sqlite_store, "red", raw_type="BIAS_RED", products=RED)
    paths = export_products(sqlite_store, ["red"], tmp_path / "out")
    assert [path.name for path in paths] == [product.name for product in made.products]
    assert [_hash(path) for path in paths] == [product.file_id for product in made.products]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        p.name for p in paths
    )


def test_a_product_can_be_named_itself(sqlite_store, add_block, tmp_path):
    made = add_block(sqlite_store, "red", raw_type="BIAS_RED", products=RED)
    (path,) = export_products(sqlite_store, [made.products[1].name], tmp_path)
    assert path.name == made.products[1].name


def test_the_latest_revision_comes_out(sqlite_store, add_block, reopen_block, tmp_path):
    made = add_block(sqlite_store, "b")
    again = reopen_block(sqlite_store, made, {"MASTER_BIAS_BLUE": {"QC RON": 3.0}})
    assert [path.name for path in export_products(sqlite_store, ["b"], tmp_path)] == [
        again.products[0].name
    ]


def test_a_file_that_is_there_stays_and_another_one_is_not_overwritten(
    sqlite_store, add_block, tmp_path
):
    made = add_block(sqlite_store, "b")
    (path,) = export_products(sqlite_store, ["b"], tmp_path / "out")
    before = path.stat().st_mtime_ns
    export_products(sqlite_store, ["b"], tmp_path / "out")
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"mine")
    with pytest.raises(Conflict, match="other content"):
        export_products(sqlite_store, [made.products[0].name], tmp_path / "out")
    assert path.read_bytes() == b"mine"


def test_links_lead_into_the_vault(sqlite_store, add_block, tmp_path):
    made = add_block(sqlite_store, "b")
    (path,) = export_products(sqlite_store, ["b"], tmp_path / "out", link=True)
    assert path.is_symlink()
    assert path.resolve() == _vault_path(sqlite_store, made.products[0]).resolve()


@pytest.mark.parametrize("link", [True, False])
def test_a_damaged_file_does_not_come_out(sqlite_store, add_block, tmp_path, link):
    made = add_block(sqlite_store, "b")
    inside = _vault_path(sqlite_store, made.products[0])
    inside.chmod(0o600)
    inside.write_bytes(b"damaged")
    with pytest.raises(VaultError, match=r"LP_MASTER_BIAS_BLUE_b_1\.fits"):
        export_products(sqlite_store, ["b"], tmp_path / "out", link=link)
    assert list((tmp_path / "out").iterdir()) == []


def test_files_of_a_remote_vault_are_fetched(tmp_path, add_block):
    store = Store(f"sqlite:///{tmp_path}/r.sqlite", "memory://vault-of-export-test")
    add_block(store, "b")
    (path,) = export_products(store, ["b"], tmp_path / "out", link=True)
    assert not path.is_symlink()
    assert [one.name for one in (tmp_path / "out").iterdir()] == [path.name]
    store.close()


def test_unknown_names_and_closed_folders_are_told(sqlite_store, add_block, tmp_path):
    add_block(sqlite_store, "b")
    with pytest.raises(UnknownName, match="'nothing' is neither"):
        export_products(sqlite_store, ["b", "nothing"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        export_products(sqlite_store, ["b"], tmp_path / "file")
