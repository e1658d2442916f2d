import os

import pytest

from vltflow.core.errors import ConfigurationError, UserError
from vltflow.core.site import FILE_NAME, create_site, find_site, load_site

GOOD = """
[store]
database = "sqlite:///registry.sqlite"
vault = "vault"
[process]
cores = 2
memory_mb = 2000
"""


def site_with(folder, text: str):
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return load_site(folder)


@pytest.mark.parametrize("name", ["site", "a site with spaces", "sité-☄", "100%25"])
def test_a_new_site_keeps_everything_in_its_folder(tmp_path, name):
    folder = tmp_path / "deep" / name
    site = create_site(folder, cores=2, memory_mb=3000)
    assert site == load_site(folder) == find_site(folder)
    assert site.database == f"sqlite:///{folder}/registry.sqlite"
    assert site.vault == str(folder / "vault")
    assert (site.cores, site.memory_mb) == (2, 3000)
    assert site.work.is_dir()
    assert sorted(path.name for path in folder.iterdir()) == [FILE_NAME, "work"]


def test_making_a_site_twice_leaves_its_configuration(tmp_path):
    site = site_with(tmp_path, GOOD)
    assert create_site(tmp_path, cores=99, memory_mb=99) == site


def test_no_site_can_be_made_of_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"no site can be made in .*file") as caught:
        create_site(tmp_path / "file", cores=1, memory_mb=1)
    assert "ln -s" in str(caught.value)


def test_a_site_is_found_by_name_then_environment_then_here(tmp_path, monkeypatch):
    folders = [tmp_path / name for name in ("given", "variable", "here")]
    given, variable, here = (create_site(one, cores=1, memory_mb=1) for one in folders)
    monkeypatch.delenv("VLTFLOW_SITE", raising=False)
    monkeypatch.chdir(here.folder)
    assert find_site(None) == here
    monkeypatch.setenv("VLTFLOW_SITE", os.path.relpath(variable.folder))
    assert find_site(None) == variable
    assert find_site(given.folder) == given


def test_a_folder_that_is_no_site_says_how_to_make_one(tmp_path):
    with pytest.raises(UserError, match=rf"{tmp_path} is no site.*vltflow init"):
        find_site(tmp_path)


def test_urls_and_absolute_paths_stay_as_they_are(tmp_path):
    text = GOOD.replace("sqlite:///registry.sqlite", "postgresql+psycopg://me@host/name")
    site = site_with(tmp_path, text.replace('"vault"', '"s3://bucket/vault"'))
    assert site.database == "postgresql+psycopg://me@host/name"
    assert site.vault == "s3://bucket/vault"
    text = GOOD.replace("///registry", "////data/registry").replace('"vault"', '"/data/vault"')
    site = site_with(tmp_path, text)
    assert site.database == "sqlite:////data/registry.sqlite"
    assert site.vault == "/data/vault"


def test_relative_paths_are_those_of_the_file_wherever_one_is(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site" / FILE_NAME).write_text(GOOD)
    site = load_site(tmp_path.relative_to(tmp_path) / "site")
    assert site.folder == tmp_path / "site"
    assert site.vault == str(tmp_path / "site" / "vault")


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("cores = 2", "", r"\[process\] cores is missing"),
        ("cores = 2", "cores = 0", r"\[process\] cores = 0 is not a whole number from 1"),
        ("cores = 2", "cores = -1", "whole number"),
        ("cores = 2", "cores = 2.0", "whole number"),
        ("cores = 2", "cores = true", "whole number"),
        ("cores = 2", 'cores = "2"', "whole number"),
        ("cores = 2", "cores = 2\ncore = 3", r"\[process\] has unknown core.*Allowed: cores, mem"),
        ('vault = "vault"', "vault = 1", r"\[store\] vault = 1 is not a text"),
        ('vault = "vault"', 'vault = ""', r"\[store\] vault = '' is not a text"),
        ("[process]", "[web]\nport = 1\n[process]", "unknown section web.*Allowed: store, process"),
        ("[process]", "process = 3", "cannot be read|no section|missing|unknown"),
        ("[store]", "", "unknown section"),
        ("sqlite:///registry.sqlite", "sqlite://", r"names no file.*sqlite:///PATH"),
        ("sqlite:///registry.sqlite", "sqlite:///:memory:", "names no file"),
        ("[store]", "[store", "cannot be read"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path, before, after, complaint):
    assert before in GOOD
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        site_with(tmp_path, GOOD.replace(before, after))
    assert str(tmp_path / FILE_NAME) in str(caught.value)


def test_a_section_that_is_a_value_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"store is no section; write \[store\]"):
        site_with(tmp_path, "store = 3\n[process]\ncores = 1\nmemory_mb = 1\n")


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"vltflow.toml: cannot be read"):
        load_site(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"vltflow.toml: cannot be read"):
        load_site(tmp_path)


def test_a_folder_that_no_sqlite_url_can_name_is_refused(tmp_path):
    folder = tmp_path / "why?"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match="Rename the folder"):
        site_with(folder, GOOD)
