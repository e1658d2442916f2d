"""Accounts, sessions and tokens, on both backends."""

import pytest

from vltflow.core.errors import Conflict, UnknownName
from vltflow.core.time import now_iso
from vltflow.records import Account, ApiToken, Right, Role, Session
from vltflow.store import Store

ANNA = Account("anna", "Anna Example", Role.QC_SCIENTIST, "2026-01-01T00:00:00.000")
FAR = "2999-01-01T00:00:00.000"


@pytest.fixture
def with_anna(store: Store) -> Store:
    with store.write(by="admin", why="a test") as tx:
        tx.accounts.add(ANNA, "hash")
    return store


def _session(name: str = "token") -> Session:
    return Session(name, "anna", "csrf", now_iso(), FAR, now_iso())


def test_an_account_comes_back_as_it_was_added_and_its_name_is_taken(with_anna: Store) -> None:
    with with_anna.read() as tx:
        assert tx.accounts.all() == [ANNA]
        assert tx.accounts.password_hash("anna") == "hash"
        assert tx.accounts.find("bert") is None
    with pytest.raises(Conflict, match="anna"), with_anna.write(by="a", why="b") as tx:
        tx.accounts.add(ANNA, "other")


def test_a_disabled_account_has_no_rights_and_no_session(with_anna: Store) -> None:
    with with_anna.write(by="admin", why="a test") as tx:
        tx.accounts.open_session(_session(), "127.0.0.1")
        tx.accounts.set_disabled("anna", disabled=True)
        assert tx.accounts.session("token") is None
        assert tx.accounts.find("anna").rights == frozenset()


def test_a_new_password_logs_out_everywhere(with_anna: Store) -> None:
    with with_anna.write(by="admin", why="a test") as tx:
        tx.accounts.open_session(_session("one"), "127.0.0.1")
        tx.accounts.open_session(_session("two"), "127.0.0.1")
        tx.accounts.set_password("anna", "new")
        assert [tx.accounts.session(name) for name in ("one", "two")] == [None, None]


def test_changes_of_accounts_are_in_the_event_log(with_anna: Store) -> None:
    with with_anna.write(by="admin", why="promotion") as tx:
        tx.accounts.set_role("anna", Role.ADMIN)
    with with_anna.read() as tx:
        events = tx.events.find(kind="account", record="anna")
    assert [(one.who, one.change) for one in events] == [
        ("admin", "created as qc-scientist"),
        ("admin", "role admin"),
    ]


def test_an_unknown_account_cannot_be_changed(store: Store) -> None:
    with pytest.raises(UnknownName, match="nobody"), store.write(by="a", why="b") as tx:
        tx.accounts.set_password("nobody", "new")


def test_failed_logins_are_counted_by_account_and_by_address(store: Store) -> None:
    with store.write(by="web", why="a test") as tx:
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
            tx.accounts.add_failed_login("anna", address, forget_before="2000")
        count = tx.accounts.failed_logins
        assert count(since="2000", account="anna") == 3
        assert count(since="2000", address="10.0.0.1") == 2
        assert count(since="2000", account="bert", address="10.0.0.1") == 0
        assert count(since=FAR, account="anna") == 0


def test_a_token_is_found_by_its_hash_until_it_is_revoked(with_anna: Store) -> None:
    token = ApiToken(0, "hash", "anna", "plots", (Right.READ,), now_iso(), FAR)
    with with_anna.write(by="anna", why="a test") as tx:
        number = tx.accounts.add_token(token)
        assert tx.accounts.token("hash").scopes == (Right.READ,)
        tx.accounts.revoke_token("anna", number)
        assert tx.accounts.token("hash").revoked
        with pytest.raises(UnknownName):
            tx.accounts.revoke_token("bert", number)
