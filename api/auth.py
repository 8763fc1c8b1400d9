"""The door: the API key, headers that keep pages honest, and refusal of other sites' forms and of endless bodies.

It does not know users or tenants; there is one key, or none.
"""

from __future__ import annotations

import hmac
from collections.abc import Container, Mapping
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ProblemResponse, http_problem

SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}


class KeyGuard:
    """Middleware that lets all but the open addresses answer only to the key; without a key set, to everyone."""

    def __init__(self, app: ASGIApp, api_key: str | None, open_paths: Container[str]) -> None:
        self.app = app
        self.api_key = api_key
        self.open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_allowed(scope):
            await self.app(scope, receive, send)
            return
        problem = http_problem(401, "this server answers only with its key")
        response = ProblemResponse(problem, {"WWW-Authenticate": 'Bearer realm="kinograph"'})
        await response(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        if self.api_key is None or scope["path"] in self.open_paths:
            return True
        expected = self.api_key.encode()
        return any(hmac.compare_digest(offered, expected) for offered in offered_keys(scope))


def offered_keys(scope: Scope) -> list[bytes]:
    """Return the keys a request brings: as bearer token, or as ``?key=`` where browsers cannot send headers.

    They are to be compared in a time that does not tell where they differ. The query is only heard on reads: players,
    pictures and event streams open addresses by themselves.
    """
    keys = []
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        keys.append(token.strip().encode("latin-1"))
    if scope["method"] in ("GET", "HEAD"):
        keys += [key.encode() for key in parse_qs(scope["query_string"].decode("latin-1")).get("key", [])[:1]]
    return keys


class BodyGuard:
    """Middleware that refuses bodies over a limit, whether or not they tell their length; uploads have their own.

    (FastAPI's ``max_body_size`` answers with plain text instead of a problem.)
    """

    def __init__(self, app: ASGIApp, max_bytes: int, upload_path: str) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.upload_path = upload_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == self.upload_path:
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self.max_bytes:
            await ProblemResponse(http_problem(413))(scope, receive, send)
            return
        n_bytes = 0

        async def receive_counted() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > self.max_bytes:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_counted, send)


class SiteGuard:
    """Middleware that adds security headers and refuses changes which another site's page sends.

    A form on any page can post to a server on the reader's own machine without asking; browsers mark such requests
    (Fetch Metadata, W3C), and programs other than browsers send no mark.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        is_change = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if is_change and Headers(scope=scope).get("sec-fetch-site") == "cross-site":
            problem = http_problem(403, "another site's page sent this", "Open Kinograph's own page to change things.")
            await ProblemResponse(problem)(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)
