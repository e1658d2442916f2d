import os
import signal
import time
from contextlib import ExitStack

import pytest

from vltflow.core.errors import SiteBusy
from vltflow.store import Store

HOLDER = """
store = Store(sys.argv[1], "memory://vault")
with store.exclusive("scheduler"):
    print("holding", flush=True)
    time.sleep(60)
"""
FORKING_HOLDER = """
store = Store(sys.argv[1], "memory://vault")
with store.exclusive("scheduler"):
    if os.fork() == 0:
        time.sleep(20)  # a worker that outlives its scheduler
        os._exit(0)
    print("holding", flush=True)
    time.sleep(60)
"""


def is_free(store: Store, seconds: float = 10.0) -> bool:
    """Whether the role can be had before long: a server may need a moment to notice."""
    end = time.monotonic() + seconds
    while True:
        try:
            with store.exclusive("scheduler"):
                return True
        except SiteBusy:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)


def test_the_second_holder_is_refused_and_told_who_the_first_is(store, database, start):
    holder = start(HOLDER, database)
    assert holder.stdout.readline() == "holding\n"
    with (
        pytest.raises(
            SiteBusy, match=rf"scheduler .*\(process {holder.pid} on {os.uname().nodename}"
        ),
        store.exclusive("scheduler"),
    ):
        pytest.fail("two schedulers")


@pytest.mark.slow
@pytest.mark.parametrize("code", [HOLDER, FORKING_HOLDER])
def test_a_role_ends_with_its_killed_holder_even_if_its_workers_live(store, database, start, code):
    holder = start(code, database)
    assert holder.stdout.readline() == "holding\n"
    assert not is_free(store, 0.0)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert is_free(store)


def test_a_role_is_free_again_after_its_block_even_after_an_error(store):
    with pytest.raises(ZeroDivisionError), store.exclusive("scheduler"):
        raise ZeroDivisionError
    assert is_free(store, 0.0)


def test_a_role_is_held_against_threads_and_stores_of_the_same_process(store, database):
    other = Store(database, "memory://vault")
    with store.exclusive("scheduler"):
        assert not is_free(other, 0.0)
        assert not is_free(store, 0.0)
        with other.exclusive("janitor"):
            pass
    other.close()


def test_roles_of_different_stores_are_independent(store, tmp_path):
    other = Store(f"sqlite:///{tmp_path}/other.sqlite", "memory://vault")
    with store.exclusive("scheduler"), other.exclusive("scheduler"):
        assert not is_free(other, 0.0)
    other.close()


def test_databases_of_one_server_are_different_stores(store, postgresql_database):
    other = Store(postgresql_database, "memory://vault")
    with store.exclusive("scheduler"), other.exclusive("scheduler"):
        pass
    other.close()


def test_who_holds_a_role_can_write_and_read(filled, make):
    with filled.exclusive("scheduler"):
        with filled.write(by="scheduler", why="test") as tx:
            tx.blocks.set_problem(make.block(1).name, "dark")
        with filled.read() as tx:
            assert tx.blocks.get(make.block(1).name).problem == "dark"


def test_a_registry_has_one_lock_by_whatever_path(sqlite_store, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    other = Store(f"sqlite:///{tmp_path}/link/registry.sqlite", "memory://vault")
    with ExitStack() as stack:
        stack.enter_context(sqlite_store.exclusive("scheduler"))
        assert not is_free(other, 0.0)
    other.close()


def test_a_lock_file_left_behind_does_no_harm(sqlite_store, tmp_path):
    (tmp_path / "registry.sqlite.scheduler.lock").write_text("process 1 on the moon")
    with sqlite_store.exclusive("scheduler"):
        pass
    with sqlite_store.exclusive("scheduler"):
        pass
