"""Serve the application: start with a clear word, end gracefully."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from vltflow.core.errors import UserError

_GRACE_SECONDS = 5


def serve(
    app: FastAPI,
    host: str,
    port: int,
    *,
    proxy: str = "",
    ready: Callable[[str], None] = lambda _address: None,
) -> None:
    """Serve until the process is told to end (SIGINT, SIGTERM); open requests are answered first.

    Parameters
    ----------
    port
        0 takes a free one.
    proxy
        Address of a proxy whose word counts about who asks and by which scheme
        (``X-Forwarded-For``, ``X-Forwarded-Proto``); empty: nobody's does.
    ready
        Called with the address of the server when it listens.

    Raises
    ------
    UserError
        If it cannot listen there.
    """
    listening = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64_000,
    )
    name = f"[{host}]" if ":" in host else host
    ready(f"http://{name}:{listening.getsockname()[1]}/")
    try:
        with _ending_well():
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        listening.close()


@contextlib.contextmanager
def _ending_well() -> Iterator[None]:
    """Let the signals that end the server end nothing else: it raises them again at its end."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda _number, _frame: None) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} of {host} is taken by another program",
                hint="Is `vltflow serve` running already? Else choose another one with --port",
            ) from error
        raise UserError(f"cannot listen at {host}, port {port}: {error.strerror}") from error
    return listening
