"""`vltflow users` and `vltflow serve`."""

import io
import socket

import pytest


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch):
    """Function that puts a password on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))


def test_accounts_are_added_listed_changed_and_switched_off(empty_site, command, typed) -> None:
    typed("correct horse battery")
    command("users", "add", "anna", "--role", "qc-scientist", "--full-name", "Anna Example")
    typed("another long word")
    command("users", "passwd", "anna")
    command("users", "role", "anna", "admin")
    command("users", "disable", "anna")
    found = command("users", "list", "--json")
    assert [(one["name"], one["role"], one["disabled"]) for one in found] == [
        ("anna", "admin", True)
    ]
    command("users", "enable", "anna")
    assert command("users", "list", "--json")[0]["disabled"] is False


@pytest.mark.parametrize(
    ("arguments", "password", "words"),
    [
        (("add", "anna"), "short", "12 to"),
        (("passwd", "nobody"), "correct horse battery", "no account nobody"),
        (("disable", "nobody"), "", "no account"),
        (("add", " "), "correct horse battery", "printable"),
    ],
)
def test_wrong_use_is_told(empty_site, command, typed, arguments, password, words) -> None:
    typed(password)
    assert words in command("users", *arguments, code=2)


def test_a_taken_port_is_told(empty_site, command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port}" in command("serve", "--port", port, code=2)


def test_an_unknown_access_is_told(empty_site, command) -> None:
    assert "read-only" in command("serve", "--access", "nobody", code=2)
