import re
from urllib.parse import unquote

from vltflow.associate import export, run


def parse(text):
    """What a reader of AB files does: KEY value... #comment."""
    found = {}
    for line in text.splitlines():
        body = re.split(r" +#", line, maxsplit=1)[0]
        key, value = body.split(maxsplit=1)
        found.setdefault(key, []).append(value.strip())
    return found


def _exported(store, instrument, raw_type):
    with store.read() as look:
        blocks = look.blocks.find(instrument=instrument.name)
        block = next(one for one in blocks if one.raw_type == raw_type)
    return block, parse(export(store, instrument, block.name))


def test_the_text_holds_the_block(sqlite_store, toy, frames, put):
    bias, flat = frames("BIAS", 1, 3), frames("FLAT", 1.2, 4, expnos=(1, 2, 4))
    put(sqlite_store, bias, flat)
    run(sqlite_store, toy)
    block, text = _exported(sqlite_store, toy, "FLAT")
    once = {key: values[0] for key, values in text.items()}
    assert once["AB_NAME"] == f"{block.name}.ab"
    assert once["CONFIG_VERSION"] == toy.context
    assert (once["INSTRUMENT"], once["DATE"]) == ("TOY", block.night)
    assert (once["RAW_TYPE"], once["RECIPE"], once["AB_EVENT"]) == ("FLAT", "flat", "tpl")
    assert (once["COMPLETENESS"], once["PROCESS_STATUS"]) == ("INCOMPLETE", "CREATED")
    assert float(once["MJD-OBS"]) == block.mjd_start
    assert float(once["MJD-OBS_MOD"]) == block.mjd_mid
    assert once["BATCH_ID"] == f"CALIB_{block.night}"
    assert once["AB_PROBLEM"] == "incomplete: 3 of 4 frames, EXPNO 3 missing"
    assert text["RAW_MATCH_KEY"] == ["BIN=1", "SLIT=1"]
    assert [unquote(line.split()[0]) for line in text["RAWFILE"]] == [f.location for f in flat]
    assert {line.split()[1] for line in text["RAWFILE"]} == {"FLAT"}


def test_calibrations_say_state_source_type_and_level(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 1, 3), frames("FLAT", 1.2, 3))
    run(sqlite_store, toy)
    block, text = _exported(sqlite_store, toy, "FLAT")
    source = block.masters[0].source_block
    assert [line.split() for line in text["MCALIB"]] == [
        ["VIRTUAL", f"MASTER_BIAS.{source}", "MASTER_BIAS", "-1"],
        ["MISSING", "NONE", "MASTER_DARK", "NONE"],
    ]
    assert text["WAITFOR"] == [f"{source}.ab"]


def test_each_line_has_a_key_and_a_value(sqlite_store, toy, frames, put):
    put(sqlite_store, frames("BIAS", 1, 3, tpl=""), frames("STAR", 1.2))
    run(sqlite_store, toy)
    with sqlite_store.read() as look:
        names = [block.name for block in look.blocks.find(instrument="TOY")]
    for name in names:
        text = export(sqlite_store, toy, name)
        assert text.endswith("\n")
        assert all(re.match(r"[A-Z_-]+ +\S", line) for line in text.splitlines())
    assert "BATCH_ID         SCIENCE_" in text


def test_hashes_in_values_are_no_comments():
    assert parse("RAW_MATCH_KEY    INS.GRAT1.ID=CD#2   #grating\n") == {
        "RAW_MATCH_KEY": ["INS.GRAT1.ID=CD#2"]
    }
