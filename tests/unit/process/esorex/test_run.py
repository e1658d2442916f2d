"""ESO's recipes as jobs: products, provenance, and every way to fail."""

from pathlib import Path

import psutil
import pytest
from astropy.io import fits

from vltflow import associate, classify, ingest
from vltflow.process.control import retry
from vltflow.process.run import run
from vltflow.records import BlockState
from vltflow.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("esorex")]


@pytest.fixture
def store(roomy_site):
    opened = Store(roomy_site.database, roomy_site.vault)
    yield opened
    opened.close()


@pytest.fixture
def night(store, roomy_site, eso_uves, biases):
    """Process the day's biases; gives the ABs by raw type and setup."""
    ingest.run(store, [eso_uves], [biases.folder])

    def _night(instrument=eso_uves):
        classify.run(store, instrument)
        associate.run(store, instrument)
        run(store, roomy_site, {instrument.name: instrument})
        with store.read() as tx:
            found = tx.blocks.find()
        return {(one.raw_type, one.setup[:3]): one for one in found}

    return _night


def only(instrument, raw_type):
    """The definition with one raw type left: fewer jobs."""
    rules = [one for one in instrument.classification.rules if one.raw_type == raw_type]
    chosen = instrument.classification.model_copy(update={"rules": tuple(rules)})
    return instrument.model_copy(update={"classification": chosen, "context": f"only {raw_type}"})


def with_execution(instrument, recipe, **changes):
    """The definition with other parameters, memory or time of one recipe."""
    entry = instrument.recipes.recipes[recipe]
    changed = entry.model_copy(update={"esorex": entry.esorex.model_copy(update=changes)})
    recipes = instrument.recipes.recipes | {recipe: changed}
    parts = instrument.recipes.model_copy(update={"recipes": recipes})
    return instrument.model_copy(update={"recipes": parts})


def products_of(store, block):
    with store.read() as tx:
        return {one.category: one for one in tx.products.of_block(block.name)}


def is_of_job(process, store):
    """Whether a process was started by a job of this store's site."""
    try:
        folder = process.environ().get("VLTFLOW_JOB_FOLDER", "")
    except psutil.Error:
        return False
    return bool(folder) and folder.startswith(str(Path(store.vault.url).parent))


def log_of(store, block):
    with store.read() as tx:
        return store.vault.get_bytes(tx.jobs.of_block(block.name)[-1].log_file).decode()


def test_both_arms_get_their_master_biases_with_provenance(store, night):
    blocks = night()
    assert {one.state for one in blocks.values()} == {BlockState.SUCCEEDED}
    red = blocks["BIAS_RED", "1x1"]
    made = products_of(store, red)
    assert set(made) == {"MASTER_BIAS_REDL", "MASTER_BIAS_REDU"}
    lower = made["MASTER_BIAS_REDL"]
    assert lower.inputs == red.frames
    assert lower.name == "UV_MBIA_150226A_REDL_1x1.fits"
    path = store.vault.local_path(lower.file_id, store.vault.url)
    with fits.open(path, checksum=True) as hdus:
        header = hdus[0].header
    assert header["ESO PRO REC1 PIPE ID"].startswith("uves/")
    assert header["ESO DRS CONTEXT"] == red.context
    assert "Run-time version" not in log_of(store, red)
    assert "Processing" in log_of(store, red)


@pytest.mark.parametrize(
    ("deed", "words", "tries"),
    [
        ("echo '[ ERROR ] MBias: no such lamp'; kill -SEGV $$", "killed by SIGSEGV", 3),
        ("kill -ABRT $$", "killed by SIGABRT", 3),
        ("touch masterbias_blue.fits; echo '[{}]' > products.json; exit 1", "status 1", 1),
        ("echo '[ ERROR ] MBias: no such lamp'; exit 7", "status 7: MBias: no such lamp", 1),
        ("exit 0", "esorex left no list of its products", 1),
        ("echo '[]' > products.json", "the recipe made no MASTER_BIAS_BLUE", 1),
    ],
    ids=["segfault", "abort", "products and failure", "error", "silence", "no product"],
)
def test_a_broken_recipe_ends_in_a_clear_state(  # noqa: PLR0917
    store, night, eso_uves, broken, deed, words, tries
):
    broken(deed)
    block = night(only(eso_uves, "BIAS_BLUE"))["BIAS_BLUE", "1x1"]
    assert block.state is BlockState.FAILED
    assert words in block.problem
    assert products_of(store, block) == {}
    with store.read() as tx:
        assert len(tx.jobs.of_block(block.name)) == tries


def test_a_recipe_that_hangs_is_stopped_with_all_that_it_started(store, night, eso_uves, broken):
    broken("sleep 600 & sleep 600")
    hasty = with_execution(only(eso_uves, "BIAS_BLUE"), "uves_cal_mbias", wall_s=1)
    block = night(hasty)["BIAS_BLUE", "1x1"]
    assert block.state is BlockState.FAILED
    assert "ran longer than its wall_s = 1" in block.problem
    assert [one for one in psutil.process_iter() if is_of_job(one, store)] == []


def test_a_recipe_that_eats_memory_is_stopped(store, night, eso_uves, broken):
    broken("exec python3 -c 'x = bytearray(600_000_000); import time; time.sleep(600)'")
    small = with_execution(only(eso_uves, "BIAS_BLUE"), "uves_cal_mbias", memory_mb=200)
    block = night(small)["BIAS_BLUE", "1x1"]
    assert block.state is BlockState.FAILED
    assert "declared are memory_mb = 200" in block.problem


def test_a_wrong_parameter_is_refused_before_anything_runs(store, night, eso_uves):
    wrong = with_execution(only(eso_uves, "BIAS_BLUE"), "uves_cal_mbias", parameters={"kap": 3})
    block = night(wrong)["BIAS_BLUE", "1x1"]
    assert block.state is BlockState.FAILED
    assert "has no parameter kap" in block.problem
    with store.read() as tx:
        assert tx.jobs.of_block(block.name) == []


@pytest.mark.parametrize("missing", ["program", "plug-in"])
def test_what_is_not_installed_waits_until_it_is(
    store, night, eso_uves, monkeypatch, tmp_path, missing
):
    name, value = {
        "program": ("VLTFLOW_ESOREX", "/nowhere/esorex"),
        "plug-in": ("ESOREX_PLUGIN_DIR", str(tmp_path)),
    }[missing]
    monkeypatch.setenv(name, value)
    definition = only(eso_uves, "BIAS_BLUE")
    block = night(definition)["BIAS_BLUE", "1x1"]
    assert block.state is BlockState.PLANNED
    assert block.problem.startswith("waits for a runner: no p")
    assert "apt install" in block.problem
    monkeypatch.delenv(name)
    block = night(definition)["BIAS_BLUE", "1x1"]
    assert (block.state, block.problem) == (BlockState.SUCCEEDED, "")


def test_a_failed_recipe_can_be_tried_again(store, night, eso_uves, broken, monkeypatch):
    broken("exit 9")
    definition = only(eso_uves, "BIAS_BLUE")
    block = night(definition)["BIAS_BLUE", "2x2"]
    assert block.state is BlockState.FAILED
    monkeypatch.delenv("VLTFLOW_ESOREX")
    retry(store, block.name, who="Anna", why="mended")
    assert night(definition)["BIAS_BLUE", "2x2"].state is BlockState.SUCCEEDED
