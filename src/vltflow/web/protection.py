"""Protection around all pages: headers, hosts, origins, sizes."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "object-src 'none'"
)
"""Only what we serve, no script or style within a page; figures hold images as data."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LARGEST_FORM = 1_000_000
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NUL = "This request has a character (NUL) that no text has."


class Protection:
    """ASGI layer that refuses what cannot be meant for us, and marks every answer.

    Parameters
    ----------
    hosts
        Names under which we may be asked: another one means that somebody lets a
        browser take us for another site (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if scope["method"] not in _SAFE:
            body = await _whole(receive)
            if _has_nul(body):
                await PlainTextResponse(_NUL, 400)(scope, receive, send)
                return
            receive = _again(body, receive)
        secure = scope["scheme"] == "https"

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        await self._app(scope, receive, marked)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _without_port(host) not in self._hosts:
            return PlainTextResponse("This server does not answer to that name.", 400)
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            # Nothing here is called so, and PostgreSQL takes no text with it.
            return PlainTextResponse("There is nothing of this name.", 404)
        return None if scope["method"] in _SAFE else _refused_change(scope, headers, host)


def _refused_change(scope: Scope, headers: Headers, host: str) -> PlainTextResponse | None:
    if not _is_ours(headers, f"{scope['scheme']}://{host}"):
        return PlainTextResponse("This request comes from another site.", 403)
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LARGEST_FORM:
        return PlainTextResponse("This request is too large.", 413)
    if "transfer-encoding" in headers:
        return PlainTextResponse("Say how long this request is.", 411)
    return None


def _is_ours(headers: Headers, own: str) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or _normal(origin) == _normal(own)


def _normal(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc.lower()


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


async def _whole(receive: Receive) -> bytes:
    """Content of a request: `_refused_change` has seen that it is short."""
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _has_nul(body: bytes) -> bool:
    """Whether there is a NUL, which PostgreSQL takes in no text: as it is, in a form, in JSON."""
    return any(nul in body for nul in (b"\0", b"%00", rb"\u0000"))


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a content that was read already, and then what follows."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return left.pop() if left else await receive()

    return received
