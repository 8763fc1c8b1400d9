"""Answers requests for stored bytes, whole or by range (RFC 9110 §14), from any seekable store.

It does not know what the bytes are, nor whether the store is a folder or a cloud.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.errors import ProblemResponse, http_problem

CHUNK_BYTES = 256 * 2**10
"""A read of this size costs about as much as the switch to its thread; a seeking player throws little away."""
BYTE_RANGE = re.compile(r"bytes=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*")


class UnsatisfiableRange(ValueError):
    """The range lies outside the content (HTTP 416)."""


@dataclass(frozen=True, slots=True)
class Content:
    """Stored bytes; ``etag`` (unquoted) changes whenever they do. ``open`` may be called for each request."""

    size_bytes: int
    media_type: str
    etag: str
    open: Callable[[], BinaryIO]


def parse_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """Return the half-open byte range asked for, or None to send everything.

    A header in another unit, of several ranges or damaged is ignored, as RFC 9110 §14.2 allows.

    >>> parse_range("bytes=0-99", 1000), parse_range("bytes=-10", 1000), parse_range("bytes=990-", 1000)
    ((0, 100), (990, 1000), (990, 1000))
    >>> parse_range("bytes=5-2", 1000), parse_range("bytes=0-1,5-6", 1000)
    (None, None)

    Raises:
        UnsatisfiableRange: nothing of the content lies in it.
    """
    match = BYTE_RANGE.fullmatch(header)
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        if last and int(last) < int(first):
            return None
        start, end = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
    if start >= end:
        raise UnsatisfiableRange(header)
    return start, end


def respond_with_content(request: Request, content: Content, headers: dict[str, str]) -> Response:
    """Return 200, 206, 304 or 416 as the request's conditions and range ask; a HEAD sends no bytes."""
    etag = f'"{content.etag}"'
    headers = {"Accept-Ranges": "bytes", "ETag": etag, **headers}
    if _names_etag(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range", "")
    if_range = request.headers.get("if-range")
    try:
        is_asked = asked and (if_range is None or if_range == etag)
        byte_range = parse_range(asked, content.size_bytes) if is_asked else None
    except UnsatisfiableRange:
        problem = http_problem(416, f"the content has {content.size_bytes} bytes", "Ask for a range within them.")
        return ProblemResponse(problem, {"Content-Range": f"bytes */{content.size_bytes}"})
    start, end = byte_range or (0, content.size_bytes)
    headers["Content-Length"] = str(end - start)
    if byte_range:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size_bytes}"
    status = 206 if byte_range else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=content.media_type)
    return StreamingResponse(_read(content.open(), start, end), status, headers, content.media_type)


def _names_etag(header: str, etag: str) -> bool:
    """Whether an If-None-Match header names the tag (weak comparison, RFC 9110 §13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return etag in tags or tags == ["*"]


async def _read(file: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield the bytes ``[start, end)``, read in threads; the file is closed whatever becomes of the client."""
    try:
        await run_in_threadpool(file.seek, start)
        while start < end:
            chunk = await run_in_threadpool(file.read, min(CHUNK_BYTES, end - start))
            if not chunk:
                return
            start += len(chunk)
            yield chunk
    finally:
        file.close()
