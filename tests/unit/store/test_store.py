from vltflow.records import RawFrame
from vltflow.store import Store, pack_headers


def _frame(number: int) -> RawFrame:
    return RawFrame(
        frame_id=f"{number:064x}", name=f"UVES.{number}", instrument="UVES", location=f"/raw/{number}",
        size=1, mjd_obs=57080.0 + number, night="2015-02-26", exptime=0.0, repairs=("one", "two"),
    )


def test_a_frame_comes_back_as_it_was_stored(store: Store) -> None:
    with store.write(by="test", why="test") as tx:
        tx.frames.add([(_frame(1), pack_headers([{"MJD-OBS": 57081.0}]))])
    with store.read() as tx:
        assert list(tx.frames.find(instrument="UVES")) == [_frame(1)]
        assert tx.frames.headers(_frame(1).frame_id) == ({"MJD-OBS": 57081.0},)
