import json
from dataclasses import replace
from importlib import import_module

import pytest

from vltflow.associate.grouping import build_block, group
from vltflow.classify import classify, run
from vltflow.classify.rules import Classifier
from vltflow.instruments import load
from vltflow.records import RawFrame
from vltflow.store import WaitingFrame, pack_headers

UVES = load("UVES")
BIAS = {
    "INSTRUME": "UVES", "ESO DPR CATG": "CALIB", "ESO DPR TYPE": "BIAS", "ESO DPR TECH": "IMAGE",
    "ESO DET CHIPS": 1, "ESO DET OUTPUTS": 1, "ESO DET READ SPEED": "1pt/225kHz/lg",
    "ESO DET WIN1 BINX": 1, "ESO DET WIN1 BINY": 1, "ESO DET WIN1 NX": 2148,
    "ESO DET WIN1 NY": 3000, "ESO DET WIN1 STRX": 1, "ESO DET WIN1 STRY": 1,
}  # fmt: skip


def _frame(number=1, **changes):
    frame = RawFrame(
        frame_id=f"{number:064x}", name=f"UVES.{number}", instrument="UVES", location="/raw",
        size=1, mjd_obs=57080.0 + number, night="2015-02-26", exptime=0.0,
    )  # fmt: skip
    return replace(frame, **changes)


def _put(store, *frames_and_headers):
    with store.write(by="test", why="test") as change:
        change.frames.add([(frame, pack_headers(headers)) for frame, headers in frames_and_headers])


def test_setup_keys_are_canonical_json_of_all_keywords():
    found = classify(BIAS | {"ESO DET WIN1 BINX": 2.0}, UVES)
    keys = json.loads(found.setup_keys)
    assert found.setup == "2x1_1pt/225kHz/lg"
    assert list(keys) == sorted(UVES.raw_types["BIAS_BLUE"].setup)
    assert found == classify(BIAS | {"ESO DET WIN1 BINX": 2}, UVES)


def test_an_absent_setup_keyword_is_null():
    header = {key: value for key, value in BIAS.items() if key != "ESO DET OUTPUTS"}
    assert json.loads(classify(header, UVES).setup_keys)["DET.OUTPUTS"] is None


def test_an_empty_header_is_unknown_with_a_reason():
    found = classify({}, UVES)
    assert (found.raw_type, found.setup) == ("", "")
    assert found.reason.startswith("unknown; nearest is ")


def test_the_memory_tells_true_from_one():
    classifier = Classifier(UVES)
    assert classifier(BIAS).raw_type == "BIAS_BLUE"
    assert classifier(BIAS | {"ESO DET CHIPS": True}).raw_type == ""


def test_frames_get_raw_type_setup_and_context(store):
    red = BIAS | {"ESO DET CHIPS": 2}
    _put(store, (_frame(1), [BIAS]), (_frame(2), [red]), (_frame(3), [{"ESO DPR CATG": "X"}]))
    found = run(store, UVES)
    assert [frame.raw_type for frame in found] == ["BIAS_BLUE", "BIAS_RED", ""]
    with store.read() as look:
        assert list(look.frames.find(instrument="UVES")) == found
    assert {frame.context for frame in found} == {UVES.context}


def test_a_second_run_finds_nothing_to_do(store):
    _put(store, (_frame(1), [BIAS]), (_frame(2), [{}]))
    run(store, UVES)
    assert run(store, UVES) == []


def test_new_rules_classify_anew_except_what_is_in_a_block(sqlite_store):
    _put(sqlite_store, (_frame(1), [BIAS]), (_frame(2), [BIAS]))
    first, _ = run(sqlite_store, UVES)
    waiting = [WaitingFrame(**{name: getattr(first, name) for name in WaitingFrame._fields})]
    [one] = group(waiting, UVES).values()
    with sqlite_store.write(by="test", why="test") as change:
        change.blocks.add([build_block(one, waiting, UVES)])
    changed = UVES.model_copy(update={"context": "other"})
    assert [frame.name for frame in run(sqlite_store, changed)] == ["UVES.2"]


def test_repairs_noted_at_ingestion_are_applied(sqlite_store):
    header = BIAS | {"ESO DPR CATG": "test"}
    repaired = _frame(1, repairs=("category-test-in-capitals",))
    _put(sqlite_store, (repaired, [header]), (_frame(2), [header]))
    assert [frame.raw_type for frame in run(sqlite_store, UVES)] == ["BIAS_TEST_BLUE", ""]


def test_keywords_of_extensions_count_where_the_primary_has_none(sqlite_store):
    primary = {key: value for key, value in BIAS.items() if key != "ESO DET CHIPS"}
    _put(sqlite_store, (_frame(1), [primary, {"ESO DET CHIPS": 2, "ESO DPR TYPE": "DARK"}]))
    assert run(sqlite_store, UVES)[0].raw_type == "BIAS_RED"


@pytest.mark.parametrize("count", [0, 7])
def test_batches_leave_nothing_out(sqlite_store, monkeypatch, count):
    monkeypatch.setattr(import_module("vltflow.classify.run"), "BATCH", 3)
    if count:
        _put(sqlite_store, *((_frame(number), [BIAS]) for number in range(count)))
    assert len(run(sqlite_store, UVES)) == count
