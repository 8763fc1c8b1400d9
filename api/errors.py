"""Errors as people see them over HTTP: every one is application/problem+json (RFC 9457) and says what to do.

It does not know which route failed nor why; it maps the error tree of core, once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.schemas import FieldProblem, Problem
from core.errors import BadInput, Conflict, KinographError, NotFound, StageFailed, StaleLease, TooLarge, TryAgain

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
"""What a client is told to wait after a 503; about as long as a restarted worker or broker needs."""


class Malformed(BadInput):
    """The request cannot be parsed (HTTP 400)."""


class WrongMediaType(BadInput):
    """The body is not of a type the route reads (HTTP 415)."""


class DiskFull(TryAgain):
    """There is no room to keep what was sent (HTTP 507)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a class of errors is shown."""

    status: int
    name: str
    title: str


KINDS: Mapping[type[KinographError], Kind] = {
    Malformed: Kind(400, "malformed", "The request cannot be read"),
    NotFound: Kind(404, "not-found", "Not found"),
    Conflict: Kind(409, "conflict", "Not possible now"),
    TooLarge: Kind(413, "too-large", "Too large"),
    WrongMediaType: Kind(415, "wrong-media-type", "Wrong type of content"),
    BadInput: Kind(422, "bad-input", "The request cannot be carried out"),
    DiskFull: Kind(507, "disk-full", "The disk is full"),
    TryAgain: Kind(503, "try-again", "Not available right now"),
    StageFailed: Kind(500, "stage-failed", "A step of the work failed"),
    StaleLease: Kind(409, "conflict", "Not possible now"),
    KinographError: Kind(500, "internal", "Something went wrong"),
}

HTTP_REMEDIES: Mapping[int, str] = {
    400: "Send the body as JSON in UTF-8; /openapi.json describes what each address reads.",
    401: "Send the server's key as `Authorization: Bearer KEY`; the server reads it from KINOGRAPH_API_KEY.",
    404: "See /openapi.json for the addresses there are.",
    405: "See /openapi.json for the methods of this address.",
    413: "Send a smaller body.",
}


class ProblemResponse(JSONResponse):
    """A response that tells a problem."""

    media_type = "application/problem+json"

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.model_dump(exclude_none=True), problem.status, dict(headers or {}))


def problem_of(error: KinographError) -> Problem:
    """Return the error as a problem; the most specific class that is mapped decides.

    >>> problem_of(NotFound("there is no video 'x'")).status, problem_of(DiskFull("full")).status
    (404, 507)
    """
    kind = next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)
    detail = f"{error.stage}: {error.reason}" if isinstance(error, StageFailed) else error.reason
    return Problem(
        type=f"urn:kinograph:problem:{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        remedy=error.remedy,
    )


def http_problem(status: int, detail: str = "", remedy: str = "") -> Problem:
    """Return a problem for a bare HTTP status; RFC 9457 §4.2.1 calls its type about:blank."""
    phrase = HTTPStatus(status).phrase
    return Problem(
        type="about:blank",
        title=phrase,
        status=status,
        detail=detail or phrase,
        remedy=remedy or HTTP_REMEDIES.get(status, ""),
    )


def internal_problem() -> Problem:
    """Return what is shown of an error nobody foresaw: nothing of its inside."""
    return http_problem(500, "an unexpected error; the server's log has its details", "Report it with the log.")


def install_error_handlers(app: FastAPI) -> None:
    """Make the app answer every error with a problem."""
    app.add_exception_handler(KinographError, _show_known)
    app.add_exception_handler(RequestValidationError, _show_invalid)
    app.add_exception_handler(HTTPException, _show_http)
    app.add_exception_handler(ClientDisconnect, _show_nobody)
    app.add_exception_handler(Exception, _show_unforeseen)


async def _show_known(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, KinographError)
    problem = problem_of(error)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if problem.status in (503, 507) else {}
    if problem.status >= 500:
        log.warning("%s: %s", problem.title, error)
    return ProblemResponse(problem, headers)


async def _show_invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    if _is_unmarked(error):
        sent = request.headers.get("content-type", "")
        reason = f"the body is sent as {sent}" if sent else "the body is sent without a content type"
        remedy = "Send JSON with the header `content-type: application/json`."
        return ProblemResponse(problem_of(WrongMediaType(reason, remedy=remedy)))
    fields = [FieldProblem(field=_field_name(found["loc"]), reason=found["msg"]) for found in error.errors()]
    is_unreadable = any(found["type"] == "json_invalid" for found in error.errors())
    kind = KINDS[Malformed] if is_unreadable else KINDS[BadInput]
    detail = "; ".join(f"{found.field}: {found.reason}" for found in fields[:5])
    return ProblemResponse(
        Problem(
            type=f"urn:kinograph:problem:{kind.name}",
            title=kind.title,
            status=kind.status,
            detail=detail,
            remedy="Correct the fields listed in `errors`; /openapi.json describes each.",
            errors=fields,
        )
    )


def _is_unmarked(error: RequestValidationError) -> bool:
    """Whether a body came that FastAPI did not read as JSON, since its type does not say that it is."""
    return isinstance(error.body, bytes) and any(found["loc"] == ("body",) for found in error.errors())


def _field_name(location: tuple[Any, ...]) -> str:
    """Return where a wrong field stands.

    >>> _field_name(("body", "time", "end_s"))
    'body.time.end_s'
    """
    return ".".join(str(step) for step in location)


async def _show_http(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    detail = str(error.detail) if error.detail else phrase
    return ProblemResponse(http_problem(error.status_code, detail), error.headers)


async def _show_nobody(_request: Request, _error: Exception) -> ProblemResponse:
    """Answer a client that left in the middle of its upload: for the metrics, since nobody hears it."""
    return ProblemResponse(http_problem(400, "the client left before the body was complete"))


async def _show_unforeseen(_request: Request, _error: Exception) -> ProblemResponse:
    """Show nothing of the inside; the server logs the traceback once this returns."""
    return ProblemResponse(internal_problem())
