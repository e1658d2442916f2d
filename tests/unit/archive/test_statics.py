"""The collection of static calibrations: built, added, from a kit, withdrawn."""

from datetime import date

import numpy as np
import pytest
from astropy.io import fits

from vltflow.archive import add_statics, build_statics, calibration_kit, withdraw_static
from vltflow.core.errors import ConfigurationError, InvalidHeader, UnreadableFile, UserError
from vltflow.instruments.statics import StaticEntry, StaticNeed, StaticsFile
from vltflow.records import StaticState

WRITTEN: list[float] = [4000.0]
"""What the builder of these tests writes; another value gives other bytes."""


def write_lines(path):
    write_table(path, "LINE_REFER_TABLE", WRITTEN)


def write_wrong(path):
    write_table(path, "EXTCOEFF_TABLE", WRITTEN)


def write_table(path, category, wavelengths, **cards):
    table = fits.BinTableHDU.from_columns([fits.Column("WAVE", "D", array=np.array(wavelengths))])
    primary = fits.PrimaryHDU()
    primary.header["HIERARCH ESO PRO CATG"] = category
    for name, value in cards.items():
        primary.header[name.replace("_", " ")] = value
    fits.HDUList([primary, table]).writeto(path, overwrite=True)
    return path


def entry(builder="write_lines", **changes):
    values = {
        "category": "LINE_REFER_TABLE", "name": "lines.fits", "title": "Lines", "origin": "NIST",
        "builder": f"{__name__}:{builder}", "licence": "CC0",
    }  # fmt: skip
    return StaticEntry(**(values | changes))


@pytest.fixture
def with_lines(small_instrument):
    """An instrument that needs a line list for each grating, and can build one."""

    def _with_lines(*entries):
        raw_types = {
            name: one.model_copy(
                update={"statics": (StaticNeed(category="LINE_REFER_TABLE", match=("GRAT",)),)}
            )
            for name, one in small_instrument.raw_types.items()
        }
        association = small_instrument.association.model_copy(update={"raw_types": raw_types})
        statics = StaticsFile(statics=entries or (entry(),))
        return small_instrument.model_copy(update={"statics": statics, "association": association})

    return _with_lines


def found(store, **options):
    with store.read() as tx:
        return tx.statics.find(**options)


def test_what_the_definition_can_build_is_built_once(store, with_lines):
    (built,) = build_statics(store, with_lines())
    assert (built.category, built.origin, built.licence) == ("LINE_REFER_TABLE", "NIST", "CC0")
    assert build_statics(store, with_lines()) == []
    assert found(store) == [built]
    path = store.vault.local_path(built.file_id, store.vault.url)
    assert fits.getdata(path)["WAVE"].tolist() == [4000.0]


def test_building_again_supersedes_only_what_came_out_otherwise(
    sqlite_store, with_lines, monkeypatch
):
    (first,) = build_statics(sqlite_store, with_lines())
    assert build_statics(sqlite_store, with_lines(), again=True) == []
    monkeypatch.setattr(f"{__name__}.WRITTEN", [5000.0])
    (second,) = build_statics(sqlite_store, with_lines(), again=True)
    assert found(sqlite_store) == [second]
    (old,) = found(sqlite_store, states=[StaticState.SUPERSEDED])
    assert old.static_id == first.static_id


@pytest.mark.parametrize(
    ("builder", "words"),
    [
        ("nowhere:nothing", "no such function"),
        (f"{__name__}:nothing", "no such function"),
        (f"{__name__}:write_wrong", "made a EXTCOEFF_TABLE"),
    ],
)
def test_a_builder_that_cannot_is_named(sqlite_store, with_lines, builder, words):
    wrong = entry().model_copy(update={"builder": builder})
    with pytest.raises(ConfigurationError, match=words) as caught:
        build_statics(sqlite_store, with_lines(wrong))
    assert "statics.yaml: LINE_REFER_TABLE" in str(caught.value)
    assert found(sqlite_store) == []


def test_added_files_say_what_they_are_and_for_which_setup(store, with_lines, tmp_path):
    path = write_table(tmp_path / "mine.fits", "LINE_REFER_TABLE", [1.0], GRAT="CD#3")
    days = (date(2010, 1, 1), date(2010, 12, 31))
    (added,) = add_statics(
        store, with_lines(), [path], origin="kit", licence="GPL", valid=days, by="Anna"
    )
    assert (added.keys, added.builder, added.origin) == ('{"GRAT":"CD#3"}', "", "kit")
    assert (added.valid_from, added.valid_to) == (55197.0, 55562.0)
    again = add_statics(store, with_lines(), [path], origin="kit", licence="GPL", valid=days)
    assert again == []


def test_a_file_that_says_nothing_needs_a_category(sqlite_store, with_lines, tmp_path):
    path = tmp_path / "plain.fits"
    fits.PrimaryHDU().writeto(path)
    with pytest.raises(InvalidHeader, match="Say it with --category"):
        add_statics(sqlite_store, with_lines(), [path], origin="x", licence="x")
    (added,) = add_statics(
        sqlite_store, with_lines(), [path], origin="x", licence="x", category="LINE_REFER_TABLE"
    )
    assert added.category == "LINE_REFER_TABLE"


def test_a_damaged_file_is_refused_and_nothing_is_registered(sqlite_store, with_lines, tmp_path):
    good = write_table(tmp_path / "good.fits", "LINE_REFER_TABLE", [1.0])
    bad = tmp_path / "bad.fits"
    bad.write_bytes(good.read_bytes()[:4000])
    with pytest.raises(UnreadableFile, match=r"bad\.fits"):
        add_statics(sqlite_store, with_lines(), [good, bad], origin="x", licence="x")
    assert found(sqlite_store) == []


def test_days_in_the_wrong_order_are_refused(sqlite_store, with_lines, tmp_path):
    path = write_table(tmp_path / "a.fits", "LINE_REFER_TABLE", [1.0])
    days = (date(2012, 1, 1), date(2011, 1, 1))
    with pytest.raises(UserError, match="the last day is before the first"):
        add_statics(sqlite_store, with_lines(), [path], origin="x", licence="x", valid=days)


def test_a_kit_gives_the_files_that_are_of_use(with_lines, tmp_path):
    (tmp_path / "cal").mkdir()
    wanted = write_table(tmp_path / "cal" / "lines.fits", "LINE_REFER_TABLE", [1.0])
    write_table(tmp_path / "cal" / "other.fits", "SOMETHING_ELSE", [1.0])
    (tmp_path / "README").write_text("a kit")
    assert calibration_kit(tmp_path, with_lines()) == [wanted]


def test_a_folder_without_any_is_no_kit(with_lines, tmp_path):
    with pytest.raises(UserError, match=r"none of its 0 FITS files.*LINE_REFER_TABLE"):
        calibration_kit(tmp_path, with_lines())


def test_a_withdrawn_one_is_kept_but_not_used(store, with_lines):
    (built,) = build_statics(store, with_lines())
    assert withdraw_static(store, built.static_id, by="Anna", comment="wrong lines") == []
    assert found(store) == []
    with store.read() as tx:
        events = tx.events.find(record=built.static_id)
    assert [(one.who, one.why) for one in events][-1] == ("Anna", "wrong lines")
