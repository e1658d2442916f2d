"""What a product owes to, as a user asks for it."""

import gzip
import json
import shutil

import prov.model
import pytest

from vltflow.simulate import SimulatedDay

FLAT = "UV_MFLT_150226A_BLUE390_1x1_0.6.fits"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("finished_site")]


@pytest.fixture
def flat_file(command, tmp_path):
    command("masters", "get", FLAT, "--out", str(tmp_path))
    return tmp_path / FLAT


def by_category(explained):
    return {one["category"]: one for one in explained["products"]}


def test_a_product_is_explained_down_to_raw_frames(command, small_day: SimulatedDay):
    (said,) = command("explain", FLAT, "--json")
    made = by_category(said)
    assert list(made) == ["MASTER_BIAS_BLUE", "MASTER_DARK_BLUE", "MASTER_FLAT_BLUE"]
    frames = {one["sha256"]: one for one in said["raw_frames"]}
    assert len(frames) == 5 + 3 + 5
    assert {one["name"] + ".fits" for one in frames.values()} <= {
        path.name for path in small_day.files
    }
    flat = made["MASTER_FLAT_BLUE"]
    masters = set(made) - {"MASTER_FLAT_BLUE"}
    levels = {one["category"]: one["level"] for one in flat["calibrations"]}
    assert set(levels) == masters | {"SPECTRAL_FORMAT_TAB"}
    assert {levels[one] for one in masters} == {-1}
    assert [frames[one]["raw_type"] for one in flat["raw_frames"]] == ["FLAT_BLUE"] * 5


def test_recipe_parameters_software_definition_quality_and_decisions_are_told(command):
    (said,) = command("explain", FLAT, "--json")
    for one in said["products"]:
        job = one["job"]
        assert job["runner"] == "native"
        assert job["definition_kept"]
        assert "klow" in job["parameters"]  # a default that no file states
        assert {"vltflow", "vltflow code", "numpy", "numba", "astropy", "cpu"} <= set(
            job["software"]
        )
        assert one["qc"]
        for score in one["scores"]:
            assert score["colour"] == "green" or "too little history" in score["reason"]
        assert [verdict["decision"] for verdict in one["decisions"]] == ["AUTO"]


def test_a_file_is_known_by_its_bytes_whatever_its_name(command, flat_file, tmp_path):
    other = tmp_path / "spectrum.dat"
    shutil.copy(flat_file, other)
    packed = tmp_path / "packed.fits.gz"
    packed.write_bytes(gzip.compress(flat_file.read_bytes()))
    for path in (other, packed):
        (said,) = command("explain", str(path), "--json")
        assert said["found_by"] == "checksum"


def test_a_file_that_was_changed_is_known_by_its_header(command, flat_file):
    content = flat_file.read_bytes()
    flat_file.write_bytes(content.replace(b"OBSERVER", b"ObSERVER", 1))
    (said,) = command("explain", str(flat_file), "--json")
    assert said["found_by"] == "header"
    assert said["of"] == [said["products"][-1]["product_id"]]


def test_without_the_store_the_header_is_told(command, flat_file, tmp_path, monkeypatch):
    monkeypatch.delenv("VLTFLOW_SITE")
    monkeypatch.chdir(tmp_path)
    (said,) = command("explain", str(flat_file), "--json")
    assert said["recipe"] == "echelle.order_flat"
    assert len(said["raw_frames"]) == 5
    assert len(said["calibrations"]) == 3


def test_provenance_is_a_valid_prov_document(command):
    text = json.dumps(command("explain", FLAT, "--prov", "--json"))
    document = prov.model.ProvDocument.deserialize(content=text, format="json")
    kinds = {type(one) for one in document.get_records()}
    assert {prov.model.ProvEntity, prov.model.ProvActivity, prov.model.ProvAgent} <= kinds
    derived = list(document.get_records(prov.model.ProvDerivation))
    assert len(derived) == 5 + 3 + 3 + 1 + 5
    assert document == prov.model.ProvDocument.deserialize(
        content=document.serialize(format="json"), format="json"
    )


def test_the_tree_shows_each_master_once(command):
    text = command("explain", FLAT)
    assert text.count("(see above)") == 1
    assert text.count("... 3 more") == 2
    assert "... " not in command("explain", FLAT, "--full")


def test_a_raw_frame_is_no_product(command, small_day: SimulatedDay):
    said = command("explain", str(small_day.files[0]), code=2)
    assert "is a raw frame" in said


def test_what_nobody_knows_is_refused(command):
    assert "no file, product or AB" in command("explain", "nonsense", code=2)
