"""A process that makes science products: ``python -m vltflow.publish.maker``."""

from __future__ import annotations

from functools import cache
from typing import Any

from vltflow.core.helpers import serve
from vltflow.publish.producing import Request, produce
from vltflow.store import Vault

_vault = cache(Vault)


def _answer(shared: Any, request: Request) -> Any:
    instrument, vault_url = shared
    return produce(request, instrument, _vault(vault_url))


if __name__ == "__main__":
    serve(_answer)
