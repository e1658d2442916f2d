import errno
import hashlib
import os
import subprocess
import time
import uuid
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vltflow.core.errors import NotFound, VaultError
from vltflow.store import Vault

CONTENT = bytes(range(256)) * 10_000  # more than one block
UNKNOWN = "0" * 64


def id_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(params=["folder", "file://", "memory://"])
def vault(request, tmp_path) -> Vault:
    """A vault in a folder, by a local URL, and on another file system."""
    if request.param == "memory://":
        return Vault(f"memory://vault-{uuid.uuid4().hex}")
    prefix = "" if request.param == "folder" else request.param
    return Vault(f"{prefix}{tmp_path}/a vault")


@pytest.fixture
def local(tmp_path) -> Vault:
    return Vault(str(tmp_path / "vault"))


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "product.fits"
    path.write_bytes(CONTENT)
    return path


def files_of(vault: Vault) -> list[str]:
    """Everything that lies in a vault."""
    files, root = fsspec.core.url_to_fs(vault.url)
    return sorted(files.find(root))


def test_bytes_come_back_by_their_identifier(vault):
    assert vault.put_bytes(CONTENT) == id_of(CONTENT)
    assert vault.get_bytes(id_of(CONTENT)) == CONTENT
    assert vault.exists(id_of(CONTENT))
    vault.check(id_of(CONTENT))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.binary(max_size=100))
def test_any_bytes_come_back(vault, content):
    assert vault.get_bytes(vault.put_bytes(content)) == content


def test_a_file_is_copied_and_stays_where_it_was(vault, source, tmp_path):
    file_id = vault.put_file(source)
    assert file_id == id_of(CONTENT)
    assert source.read_bytes() == CONTENT
    with vault.local(file_id, tmp_path / "work") as path:
        assert path.read_bytes() == CONTENT


def test_a_moved_file_is_gone_from_where_it_was(vault, source):
    assert vault.move_file(source) == id_of(CONTENT)
    assert not source.exists()
    assert vault.get_bytes(id_of(CONTENT)) == CONTENT


def test_the_same_content_twice_is_one_file(vault, source):
    assert vault.put_file(source) == vault.put_bytes(CONTENT) == vault.put_file(source)
    assert vault.move_file(source) == id_of(CONTENT)
    assert not source.exists()
    assert len(files_of(vault)) == 1


def test_a_broken_promise_is_refused_and_leaves_nothing(vault, source):
    with pytest.raises(VaultError, match=f"product.fits.*{UNKNOWN}"):
        vault.put_file(source, file_id=UNKNOWN)
    assert files_of(vault) == []
    assert vault.put_file(source, file_id=id_of(CONTENT)) == id_of(CONTENT)


def test_a_promise_is_checked_even_if_the_vault_has_such_a_file(vault, source):
    other = vault.put_bytes(CONTENT[::-1])
    with pytest.raises(VaultError, match="promised"):
        vault.put_file(source, file_id=other)


@pytest.mark.parametrize("file_id", [UNKNOWN, "", "ab", "../" * 21 + "x", UNKNOWN.upper() + "A"])
def test_what_is_not_there_is_not_found(vault, tmp_path, file_id):
    vault.put_bytes(b"something else")
    assert not vault.exists(file_id)
    for read in (
        vault.get_bytes,
        vault.check,
        lambda wanted: vault.local_path(wanted, tmp_path),
    ):
        with pytest.raises(NotFound, match="no file"):
            read(file_id)


def test_a_damaged_file_is_detected_by_every_reader(vault, tmp_path):
    file_id = vault.put_bytes(CONTENT)
    _damage(vault, CONTENT[:-1] + b"x")
    for read in (
        vault.get_bytes,
        vault.check,
        lambda wanted: vault.local_path(wanted, tmp_path / "work"),
    ):
        with pytest.raises(VaultError, match=r"damaged.*backup"):
            read(file_id)
    assert not list((tmp_path / "work").glob("*"))


def test_a_file_cut_short_is_put_right_by_putting_it_again(vault):
    file_id = vault.put_bytes(CONTENT)
    _damage(vault, CONTENT[:100])
    assert vault.put_bytes(CONTENT) == file_id
    assert vault.get_bytes(file_id) == CONTENT


def _damage(vault: Vault, content: bytes) -> None:
    files, _ = fsspec.core.url_to_fs(vault.url)
    (path,) = files_of(vault)
    if Path(path).exists():
        Path(path).chmod(0o644)
    with files.open(path, "wb") as file:
        file.write(content)


def test_a_missing_source_is_explained(vault, tmp_path):
    for keep in (vault.put_file, vault.move_file):
        with pytest.raises(VaultError, match=r"nothing.fits could not be kept .*No such file"):
            keep(tmp_path / "nothing.fits")


def test_a_url_without_driver_is_explained():
    with pytest.raises(VaultError, match=r"'nowhere://x' cannot be used"):
        Vault("nowhere://x")


def test_a_local_file_is_read_in_place_and_cannot_be_written(local, tmp_path):
    path = local.local_path(local.put_bytes(CONTENT), tmp_path)
    assert path == tmp_path / "vault" / id_of(CONTENT)[:2] / id_of(CONTENT)[2:]
    assert path.stat().st_mode & 0o777 == 0o444


def test_a_change_after_the_first_look_is_seen(local, tmp_path):
    file_id = local.put_bytes(CONTENT)
    path = local.local_path(file_id, tmp_path)
    path.chmod(0o644)
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(VaultError, match="damaged"):
        local.local_path(file_id, tmp_path)


def test_moving_on_one_disk_renames(local, source):
    inode = source.stat().st_ino
    path = local.local_path(local.move_file(source), source.parent)
    assert path.stat().st_ino == inode
    assert path.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_a_file_with_another_name_is_copied_when_moved(local, source, kind):
    other = source.with_name("other.fits")
    other.symlink_to(source) if kind == "symbolic" else other.hardlink_to(source)
    path = local.local_path(local.move_file(other), source.parent)
    assert not other.is_symlink()
    assert not other.exists()
    assert path.stat().st_ino != source.stat().st_ino
    source.write_bytes(b"changed afterwards")
    local.check(id_of(CONTENT))


def test_moving_from_another_disk_copies(local, small_disk):
    path = small_disk / "product.fits"
    path.write_bytes(CONTENT[:1000])
    file_id = local.move_file(path)
    assert not path.exists()
    assert local.get_bytes(file_id) == CONTENT[:1000]


def test_paths_that_look_like_urls_of_fsspec_are_just_paths(tmp_path):
    vault = Vault(str(tmp_path / "a::b c%20?#"))
    vault.put_bytes(b"x")
    assert (tmp_path / "a::b c%20?#").is_dir()


def test_a_relative_folder_stays_where_it_was_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vault = Vault("vault")
    monkeypatch.chdir("/")
    vault.put_bytes(b"x")
    assert (tmp_path / "vault").is_dir()


def test_nothing_is_durable_before_its_bytes_and_its_name_are(local, source, tmp_path, monkeypatch):
    steps = []

    def noting(name, function):
        def noted(*arguments, **options):
            steps.append(name)
            return function(*arguments, **options)

        return noted

    monkeypatch.setattr(os, "fsync", noting("fsync", os.fsync))
    monkeypatch.setattr(Path, "replace", noting("rename", Path.replace))
    (tmp_path / "vault" / "incoming").mkdir(parents=True)
    (tmp_path / "vault" / id_of(CONTENT)[:2]).mkdir()
    local.put_file(source)
    assert steps == ["fsync", "rename", "fsync"]


# Disks that fail


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 1 MB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk (the injected one is tested all the same)")
    yield folder
    subprocess.run(["umount", folder], check=True)


class FullFileSystem(MemoryFileSystem):
    """File system whose disk is full after 1 MB."""

    protocol = "fullmemory"
    store: dict = {}  # noqa: RUF012 - as its parent has it
    pseudo_dirs: list = [""]  # noqa: RUF012

    def _open(self, path, mode="rb", **options):
        file = super()._open(path, mode, **options)
        write = file.write

        def limited(block) -> int:
            if file.tell() + len(block) > 1 << 20:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(block)

        file.write = limited
        return file


@pytest.fixture(params=["real", "injected"])
def full_vault(request) -> Vault:
    if request.param == "real":
        return Vault(str(request.getfixturevalue("small_disk") / "vault"))
    fsspec.register_implementation("fullmemory", FullFileSystem, clobber=True)
    return Vault(f"fullmemory://vault-{uuid.uuid4().hex}")


def test_a_full_disk_is_named_leaves_nothing_and_goes_on_when_there_is_space(full_vault, source):
    small = full_vault.put_bytes(b"small")
    for keep in (full_vault.put_file, full_vault.move_file):
        with pytest.raises(VaultError, match=r"product.fits.*the disk is full; free some space"):
            keep(source)
    with pytest.raises(VaultError, match="disk is full"):
        full_vault.put_bytes(CONTENT)
    assert source.read_bytes() == CONTENT
    assert len(files_of(full_vault)) == 1
    assert full_vault.get_bytes(small) == b"small"
    full_vault.put_bytes(b"small too")


def test_a_vault_mounted_read_only_is_named_and_can_be_read(small_disk, source):
    vault = Vault(str(small_disk / "vault"))
    file_id = vault.put_bytes(b"small")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    for keep in (vault.put_file, vault.move_file):
        with pytest.raises(VaultError, match=r"product.fits.*mounted read-only"):
            keep(source)
    assert source.read_bytes() == CONTENT
    assert vault.get_bytes(file_id) == b"small"
    assert vault.put_bytes(b"small") == file_id
    assert vault.sweep() == 0


def test_a_folder_that_may_not_be_written_is_named(local, source, tmp_path, monkeypatch):
    local.put_bytes(b"small")
    if os.geteuid() == 0:  # root may write everywhere: let the system say no as it would
        monkeypatch.setattr(Path, "open", _forbidden)
    (tmp_path / "vault" / "incoming").chmod(0o555)
    with pytest.raises(VaultError, match="may not do that there"):
        local.put_bytes(CONTENT)
    (tmp_path / "vault" / "incoming").chmod(0o755)


def _forbidden(path, mode="r", **_):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


# Writers that are killed


def test_a_killed_writer_leaves_nothing_under_an_address_and_is_swept_up(local, source, start):
    code = """
    class Slow:
        def read(self, size):
            print("writing", flush=True)
            time.sleep(0 if not Path(sys.argv[2]).exists() else 30)
            return b"half"
    Vault(sys.argv[1])._shelf.keep(Slow(), "")
    """
    writer = start(code.replace("half", "half" * 10), local.url, source)
    assert writer.stdout.readline() == "writing\n"
    assert local.sweep() == 0  # its writer lives
    assert len(files_of(local)) == 1
    writer.kill()
    writer.wait()
    assert "/incoming/" in files_of(local)[0]
    assert local.sweep() == 1
    assert files_of(local) == []
    assert local.sweep() == 0


@pytest.mark.slow
def test_sweeping_while_others_write_disturbs_nobody(local, start):
    code = """
    vault = Vault(sys.argv[1])
    for number in range(150):
        content = f"{sys.argv[2]} {number}".encode() * 1000
        assert vault.get_bytes(vault.put_bytes(content)) == content
    """
    writers = [start(code, local.url, number) for number in range(2)]
    while any(writer.poll() is None for writer in writers):
        local.sweep()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(files_of(local)) == 300


def test_an_empty_vault_has_nothing_to_sweep(vault):
    assert vault.sweep() == 0


def test_on_other_file_systems_old_temporary_files_are_swept(tmp_path):
    vault = Vault(f"memory://vault-{uuid.uuid4().hex}")
    files, root = fsspec.core.url_to_fs(vault.url)
    for name in ("old", "new"):
        files.pipe_file(f"{root}/incoming/{name}", b"half")
    old = files.store[f"{root}/incoming/old"]
    old.modified = old.modified.fromtimestamp(time.time() - 90_000, old.modified.tzinfo)
    assert vault.sweep() == 1
    assert files_of(vault) == [f"{root}/incoming/new"]


@pytest.mark.slow
def test_a_killed_mover_leaves_the_file_in_one_of_the_two_places(local, tmp_path, start):
    code = """
    vault = Vault(sys.argv[1])
    for number in range(10_000):
        path = Path(sys.argv[2]) / f"product{number}"
        path.write_bytes(str(number).encode() * 100)
        print(number, flush=True)
        vault.move_file(path)
    """
    mover = start(code, local.url, tmp_path)
    while mover.stdout.readline() not in {"30\n", ""}:
        pass
    mover.kill()
    last = 30 + len(mover.communicate()[0].split())
    for number in range(last):
        assert local.exists(id_of(str(number).encode() * 100))
    assert len(list(tmp_path.glob("product*"))) <= 1
