"""Results that are made once for all who ask the same."""

import threading

from vltflow.web.shared import Shared


def test_a_result_stands_until_the_next_event():
    shared, made = Shared(), []
    for event in (1, 1, 2, 2):
        shared.get("night", event, lambda event=event: made.append(event))
    assert made == [1, 2]


def test_an_older_look_gets_what_belongs_to_it():
    shared = Shared()
    assert shared.get("series", 2, lambda: "new") == "new"
    assert shared.get("series", 1, lambda: "old") == "old"
    assert shared.get("live", 2, lambda: "new", part=1.0) == "new"
    assert shared.get("live", 1, lambda: "old", part=1.0) == "new"


def test_those_who_ask_together_wait_for_one_result():
    shared, made, together = Shared(), [], threading.Barrier(8)

    def ask():
        together.wait()
        shared.get("night", 1, lambda: made.append(1))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_live_result_takes_no_more_than_its_part_of_the_time():
    shared, made = Shared(), []

    def make(event):
        made.append(event)
        return sum(range(1_000_000))  # more than 10 ms: fifty of them use the first credit up

    for event in range(1, 200):
        shared.get("night", event, lambda event=event: make(event), part=1e-6)
    assert 1 < len(made) < 100


def test_what_was_not_asked_for_long_is_forgotten():
    shared = Shared()
    for number in range(1000):
        shared.get(number, 1, lambda: None)
    made = []
    shared.get(0, 1, lambda: made.append(0))
    assert made == [0]
