from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vltflow.core.errors import Conflict, NotFound
from vltflow.records import RawFrame
from vltflow.store import Store, pack_headers, unpack_headers

PACKED = pack_headers([{"MJD-OBS": 57081.0}])
ASTRAL = "\U0001f52d ñ ' \" % : ? \\"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
)


def add(store: Store, *frames: RawFrame) -> None:
    with store.write(by="test", why="test") as tx:
        tx.frames.add([(frame, PACKED) for frame in frames])


def found(store: Store, **selection) -> list[RawFrame]:
    with store.read() as tx:
        return list(tx.frames.find(**selection))


def test_a_frame_comes_back_as_it_was_stored(store, make):
    frame = make.frame(1, repairs=("one", "two"), object_name=ASTRAL, obs_id=2**40, exptime=1 / 3)
    add(store, frame)
    assert found(store) == [frame]


def test_every_field_of_a_frame_is_stored(store, make):
    different = {
        field.name: "other" for field in fields(RawFrame) if field.type in {"str", str}
    } | {"size": 2, "mjd_obs": 1.5, "exptime": 2.5, "tpl_nexp": 3, "tpl_expno": 4, "obs_id": 5}
    frame = make.frame(1, **different, repairs=("third",))
    add(store, frame)
    assert found(store) == [frame]


@pytest.mark.parametrize("label", [{"setup": "label"}, {"setup_keys": "{}"}])
def test_half_a_setup_is_kept_too(store, make, label):
    add(store, make.frame(1, **label))
    assert found(store) == [make.frame(1, **label)]


def test_frames_come_by_time_whatever_the_order_of_registration(store, make):
    frames = [make.frame(number) for number in range(5)]
    add(store, *(frames[number] for number in (3, 1, 4, 0, 2)))
    assert found(store) == frames


def test_frames_of_one_moment_come_by_code_points_of_their_names(store, make):
    names = ["a.1", "B.1", "_", "a-2", "A", "é", "Z"]
    frames = [make.frame(n, name=name, mjd_obs=1.0) for n, name in enumerate(names)]
    add(store, *frames)
    assert [frame.name for frame in found(store)] == sorted(names)


def test_find_goes_by_instrument_night_type_and_half_open_range(store, make):
    add(store, make.frame(0), make.frame(1, night="2015-02-27"), make.frame(2, raw_type="BIAS"))
    first, second, third = found(store)
    assert found(store, night="2015-02-27") == [second]
    assert found(store, raw_type="BIAS") == [third]
    assert found(store, raw_type="") == [first, second]
    assert found(store, mjd=(first.mjd_obs, third.mjd_obs)) == [first, second]
    assert found(store, instrument="uves") == []


@pytest.mark.parametrize("same", ["frame_id", "name"])
def test_the_same_frame_twice_is_refused_and_leaves_nothing(store, make, same):
    add(store, make.frame(1))
    twin = replace(make.frame(2), **{same: getattr(make.frame(1), same)})
    with pytest.raises(Conflict, match="refused a record"):
        add(store, make.frame(3), twin)
    assert found(store) == [make.frame(1)]


def test_an_impossible_number_is_refused_on_both_backends(store, make):
    with pytest.raises(Exception, match=r"mjd_obs") as caught:
        add(store, make.frame(1, mjd_obs=float("nan")))
    assert caught.type.__name__ == "StoreError"


def test_a_number_too_large_for_the_database_is_an_error_of_ours(store, make):
    with pytest.raises(Exception, match=r"registry .*Nothing was changed") as caught:
        add(store, make.frame(1, obs_id=2**70))
    assert caught.type.__name__ == "StoreError"
    assert found(store) == []


def test_a_name_that_is_no_unicode_is_an_error_of_ours(store, make):
    with pytest.raises(Exception, match="registry") as caught:
        add(store, make.frame(1, location="/raw/\udcff.fits"))
    assert caught.type.__name__ == "StoreError"


def test_headers_come_back_in_the_order_of_hdus(store, make):
    headers = [{"SIMPLE": True, "EXPTIME": 0.1, "OBJECT": "ñ"}, {"EXTNAME": "RED", "X": None}]
    with store.write(by="test", why="test") as tx:
        tx.frames.add([(make.frame(1), pack_headers(headers)), (make.frame(2), PACKED)])
    with store.read() as tx:
        assert tx.frames.headers(make.frame(1).frame_id) == tuple(headers)
        ids = [make.frame(n).frame_id for n in (1, 2, 3)]
        assert dict(tx.frames.headers_of(ids)).keys() == set(ids[:2])
        with pytest.raises(NotFound):
            tx.frames.headers("unknown")


@pytest.mark.slow
@given(st.lists(st.dictionaries(st.text(), values, max_size=5), max_size=3))
def test_any_headers_survive_packing(headers):
    assert list(unpack_headers(pack_headers(headers))) == headers


def test_classification_is_stored_and_logged(store, make):
    add(store, make.frame(1), make.frame(2))
    known = make.frame(1, raw_type="BIAS_BLUE", setup="1x1", setup_keys="{}", context="c")
    unknown = make.frame(2, context="c")
    with store.write(by="classify", why="test") as tx:
        tx.frames.classify([known, unknown])
        assert list(tx.frames.unclassified("UVES", "c")) == []
        assert tx.frames.waiting("UVES") == [known]
        changes = [event.change for event in tx.events.find(kind="frame")]
    assert found(store) == [known, unknown]
    assert changes[-2:] == ["classified BIAS_BLUE", "classified unknown"]


def test_classifying_an_unknown_frame_names_it(store, make):
    add(store, make.frame(1))
    with (
        pytest.raises(NotFound, match=make.frame(9).frame_id),
        store.write(by="test", why="test") as tx,
    ):
        tx.frames.classify([make.frame(1), make.frame(9)])


def test_waiting_frames_have_no_block_and_come_from_a_moment_on(filled, make):
    frames = [make.frame(number, raw_type="BIAS") for number in range(10, 14)]
    add(filled, *frames)
    with filled.read() as tx:
        assert tx.frames.waiting("UVES") == frames
        assert tx.frames.waiting("UVES", limit=2) == frames[:2]
        assert tx.frames.waiting("UVES", after=frames[2].mjd_obs) == frames[2:]


def test_a_moved_frame_is_found_at_its_new_place_and_the_log_says_so(store, make):
    add(store, make.frame(1))
    with store.write(by="ingest", why="found again") as tx:
        tx.frames.relocate(make.frame(1).frame_id, "/new/place", 3)
        assert tx.events.find(record=make.frame(1).name)[-1].change == "found at /new/place"
        with pytest.raises(NotFound):
            tx.frames.relocate("unknown", "/x", 1)
    assert found(store) == [make.frame(1, location="/new/place", size=3)]


def test_thousands_of_ids_are_looked_up_at_once(sqlite_store, make):
    frames = [make.frame(number) for number in range(3000)]
    add(sqlite_store, *frames)
    ids = [f"{number:064x}" for number in range(1000, 5000)]
    with sqlite_store.read() as tx:
        assert tx.frames.known(ids) == set(ids[:2000])
        assert len(tx.frames.by_id(iter(ids))) == 2000
        assert tx.frames.by_name(["UVES.000007"]) == {"UVES.000007": frames[7]}
