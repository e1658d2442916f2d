"""Which files are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vltflow.core.errors import UserError
from vltflow.ingest.walk import find_files


def fill(folder: Path, names: list[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_folders_are_searched_to_their_depth_in_order(tmp_path: Path) -> None:
    fill(tmp_path, ["b.fits", "a.fits.Z", "sub/c.FITS", "sub/deep/d.fits.gz", "e.fits.fz"])
    found = [os.path.relpath(file.location, tmp_path) for file in find_files([tmp_path])]
    assert found == ["a.fits.Z", "b.fits", "e.fits.fz", "sub/c.FITS", "sub/deep/d.fits.gz"]


def test_other_and_hidden_names_in_folders_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, ["a.txt", "a.fits.part", ".a.fits", ".hidden/b.fits", "README"])
    assert find_files([tmp_path]) == []


def test_file_named_itself_with_another_suffix_is_refused_aloud(tmp_path: Path) -> None:
    fill(tmp_path, ["frame.dat"])
    (found,) = find_files([tmp_path / "frame.dat"])
    assert "does not end in any of .fits, .fits.fz, .fits.gz, .fits.Z" in found.refusal


def test_each_file_is_found_once(tmp_path: Path) -> None:
    fill(tmp_path, ["sub/a.fits"])
    assert len(find_files([tmp_path, tmp_path / "sub", tmp_path / "sub" / "a.fits"])) == 1


def test_linked_folders_are_searched_and_a_link_upwards_ends(tmp_path: Path) -> None:
    fill(tmp_path, ["elsewhere/a.fits", "raw/sub/b.fits"])
    (tmp_path / "raw" / "sub" / "calib").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "raw" / "sub" / "up").symlink_to(tmp_path / "raw")
    found = [os.path.relpath(file.location, tmp_path) for file in find_files([tmp_path / "raw"])]
    assert found == ["raw/sub/b.fits", "raw/sub/calib/a.fits"]


def test_absent_path_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        find_files([tmp_path / "absent"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_closed_folder_is_refused_aloud(tmp_path: Path) -> None:
    fill(tmp_path, ["closed/a.fits"])
    (tmp_path / "closed").chmod(0)
    (found,) = find_files([tmp_path])
    assert "cannot be read" in found.refusal
