def test_a_refused_file_keeps_its_latest_reason(store, make):
    first, again = make.refused(1), make.refused(1, reason="it is empty", found="")
    with store.write(by="ingest", why="test") as tx:
        tx.quarantine.add([first, make.refused(0)])
        tx.quarantine.add([first, again])
        zeroth, latest = tx.quarantine.find()
        assert tx.quarantine.by_location([first.location, "/other"]) == {first.location: latest}
        changes = [event.change for event in tx.events.find(record=first.location)]
    assert zeroth == make.refused(0)
    assert latest.reason == "it is empty"
    assert latest.found > "2026"
    assert changes == ["refused: it ends too early", "refused: it is empty"]


def test_a_file_that_is_fine_now_is_forgotten_with_a_trace(store, make):
    with store.write(by="ingest", why="test") as tx:
        tx.quarantine.add([make.refused(1)])
        tx.quarantine.clear(make.refused(1).location)
        tx.quarantine.clear("/never/seen")
        assert tx.quarantine.find() == []
        assert [event.change for event in tx.events.find()][1:] == ["accepted at last"]
