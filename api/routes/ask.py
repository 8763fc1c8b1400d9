"""The route that answers questions, at once or step by step.

It does not know how answers are written.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.dependencies import TENANT, AnswerSlotsNeeded, ServicesNeeded, require_videos
from api.errors import internal_problem, problem_of
from api.events_stream import STREAM_CONTENT, STREAM_HEADERS, encode_event
from api.relay import hear_out, relay
from api.schemas import AnswerView, AskBody
from core.errors import KinographError
from core.records import Answer

log = logging.getLogger(__name__)

router = APIRouter(prefix="/v1", tags=["ask"])


@router.post(
    "/ask",
    response_model=AnswerView,
    responses={
        200: {
            "description": "The answer; with `stream`, events `step`, `delta`, then `answer` or `error`.",
            "content": STREAM_CONTENT,
        }
    },
)
async def ask(
    body: AskBody, request: Request, services: ServicesNeeded, slots: AnswerSlotsNeeded
) -> AnswerView | Response:
    """Answer a question from the library, every claim with the second it rests on; or say why not."""
    question = body.to_question(TENANT)
    await run_in_threadpool(require_videos, services, question.video_ids)
    steps = services.answerer.stream(question)
    if body.stream:
        return EventSourceResponse(relay(steps, encode_step, slots), headers=STREAM_HEADERS)
    return AnswerView.of(await hear_out(steps, request.receive, slots))


def encode_step(item: dict[str, Any] | Answer | Exception, number: int) -> bytes:
    """Return what happened while answering as an event: ``step``, ``delta``, ``answer`` or ``error``."""
    match item:
        case Answer():
            return encode_event("answer", AnswerView.of(item), number)
        case KinographError():
            return encode_event("error", problem_of(item), number)
        case Exception():
            log.error("answering failed", exc_info=item)
            return encode_event("error", internal_problem(), number)
        case _:
            return encode_event("delta" if "delta" in item else "step", item, number)
