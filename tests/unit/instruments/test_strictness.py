"""A mistake in a definition is an error that names file, key and value."""

from importlib.resources import files
from pathlib import Path

import pytest

from vltflow.core.errors import ConfigurationError, UnknownName
from vltflow.instruments import available, load, load_folder

SOURCE = Path(str(files("vltflow.instruments.uves")))


@pytest.fixture
def changed(tmp_path):
    """Copy of the UVES definition with one text replaced."""

    def change(file: str, old: str, new: str) -> Path:
        for path in SOURCE.glob("*.yaml"):
            text = path.read_text()
            if path.name == file:
                assert old in text
                text = text.replace(old, new, 1)
            (tmp_path / path.name).write_text(text)
        return tmp_path

    return change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("instrument.yaml", "prefix: UV", "prefix: uves", ["instrument.yaml: prefix", "'uves'"]),
        ("instrument.yaml", "title:", "titel:", ["instrument.yaml", "titel"]),
        ("instrument.yaml", "name: UVES\n", "name: UVES\nname: UVES\n", ["'name' stands twice"]),
        ("instrument.yaml", "quarter_turns: 3", "quarter_turns: 7", ["quarter_turns", "given: 7"]),
        ("classification.yaml", "raw_type: BIAS_BLUE", "raw_type: BIAS_BLEU", ["BIAS_BLEU"]),
        ("classification.yaml", '{like: "%BIAS%"}', '{liek: "%BIAS%"}', ["liek"]),
        ("association.yaml", "group: template", "group: templates", ["group", "'templates'"]),
        ("association.yaml", "recipe: uves_cal_mbias", "recipe: mbias", ["BIAS_BLUE", "mbias"]),
        ("association.yaml", "detector: BLUE", "detector: BLEU", ["no detector BLEU"]),
        (
            "association.yaml",
            "category: MASTER_BIAS_BLUE",
            "category: MASTER_BLUE",
            ["MASTER_BLUE"],
        ),
        ("association.yaml", "level: -1, days: 1", "level: -2, days: 1", ["level", "given: -2"]),
        ("association.yaml", "level: 0, days: 3", "level: 0, days: 0.5", ["must rise"]),
        ("association.yaml", "level: 1, days: 7", "level: -1, days: 7", ["must ascend"]),
        ("association.yaml", "{flat: FLAT, ", "{plat: FLAT, ", ["fill has no word for"]),
        (
            "association.yaml",
            "    group: template\n",
            "    group: none\n",
            ["recipe must be named"],
        ),
        ("recipes.yaml", "runner: native", "runner: magic", ["runner", "'magic'"]),
        (
            "recipes.yaml",
            "    native: {recipe: detector.master_bias, memory_mb: 400, wall_s: 600}\n",
            "",
            ["needs `native`"],
        ),
        ("scores.yaml", "QC OUT1 RON RAW", "QC OUT9 RON RAW", ["QC OUT9 RON RAW", "qc.yaml"]),
        ("scores.yaml", "    low: 1.80\n    high: 2.40\n", "", ["needs low or high"]),
        ("qc.yaml", "parameters:", "parameters: [", ["qc.yaml", "no valid YAML"]),
    ],
)
def test_mistakes_are_named(changed, file, old, new, words):
    with pytest.raises(ConfigurationError) as caught:
        load_folder(changed(file, old, new))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_match_key_that_the_maker_does_not_have_is_named(changed):
    folder = changed(
        "association.yaml", "        match: *detector\n", "        match: [INS.MODE]\n"
    )
    with pytest.raises(ConfigurationError, match="not in the setup of BIAS_BLUE"):
        load_folder(folder)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"instrument\.yaml: cannot be read"):
        load_folder(tmp_path)


def test_an_unknown_instrument_tells_what_is_installed():
    with pytest.raises(UnknownName, match=r"Installed: .*UVES"):
        load("NOSUCH")
    assert "UVES" in available()


def test_any_change_gives_another_context(changed):
    folder = changed("association.yaml", "days: 90", "days: 91")
    assert load_folder(folder).context != load("UVES").context
    assert load_folder(SOURCE).context == load("UVES").context
