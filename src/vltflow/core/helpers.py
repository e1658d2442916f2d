"""Work of pure functions in processes of their own, in order and with bounded memory.

multiprocessing would import the program's main module into each process, here the whole
command line, and leave processes behind when this one is killed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from types import TracebackType
from typing import IO, Any, Self, TypeVar, cast

from vltflow.core.errors import VltflowError

Request = TypeVar("Request")


class Helpers:
    """Processes that answer requests; started when they are needed, and used again.

    Parameters
    ----------
    module
        Name of the module that they run; it calls `serve`.
    shared
        What each of them is given once.
    count
        Most of them.
    """

    def __init__(self, module: str, shared: Any, count: int) -> None:
        self._module = module
        self._shared = shared
        self._count = count
        self._idle: list[_Helper] = []
        self.cpu_s = 0.0
        """CPU time of all answers so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._idle:
            self._idle.pop().close()

    def map(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Any]]:
        """Each request with its answer, in order; requests are taken as they can be sent.

        Raises
        ------
        VltflowError
            If one of the processes dies.
        """
        left = iter(requests)
        busy: deque[tuple[Request, _Helper]] = deque()
        try:
            for request in islice(left, self._count):
                helper = self._idle.pop() if self._idle else _Helper(self._module, self._shared)
                busy.append((request, helper))
                helper.send(request)
            while busy:
                request, helper = busy.popleft()
                answer, cpu_s = helper.receive()
                self.cpu_s += cpu_s
                for following in islice(left, 1):
                    busy.append((following, helper))
                    helper.send(following)
                if not busy or busy[-1][1] is not helper:
                    self._idle.append(helper)
                yield request, answer
        finally:
            for _, helper in busy:
                helper.close()


class _Helper:
    """One process."""

    def __init__(self, module: str, shared: Any) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self.send(shared)

    def send(self, request: Any) -> None:
        """Let it work; only when it has nothing else to do."""
        try:
            pickle.dump(request, self._requests, pickle.HIGHEST_PROTOCOL)
            self._requests.flush()
        except BrokenPipeError as error:
            raise self._died() from error

    def receive(self) -> Any:
        """Answer to what it was sent, and the CPU time that it took."""
        try:
            return pickle.load(self._answers)  # noqa: S301 - our own process
        except (EOFError, pickle.UnpicklingError) as error:
            raise self._died() from error

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(BrokenPipeError):  # what is left in the buffer is in vain
                pipe.close()

    def _died(self) -> VltflowError:
        self.close()
        return VltflowError(
            f"a helping process died (exit code {self._process.returncode})",
            hint="What was recorded stays: start again to go on",
        )


def serve(answer: Callable[[Any, Any], Any]) -> None:
    """Answer requests until standard input ends, so never longer than the one who asks lives.

    Parameters
    ----------
    answer
        Called with what is shared and the request.
    """
    # Ctrl-C is meant for the parent, whose end ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Whatever prints by mistake must not come between the answers.
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, BrokenPipeError):
        shared = pickle.load(requests)  # noqa: S301 - from the parent
        for number in count():
            if number == 1:  # all is imported and known now: the collector need not walk it again
                gc.collect()
                gc.freeze()
            request = pickle.load(requests)  # noqa: S301 - from the parent
            begin = time.process_time()
            given = answer(shared, request)
            spent = time.process_time() - begin
            pickle.dump((given, spent), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
