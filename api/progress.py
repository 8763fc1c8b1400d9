"""The progress of a video as it is indexed, as server-sent events.

It does not know HTTP routes, nor how work gets done; it watches the catalogue.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api.events_stream import HEARTBEAT, HEARTBEAT_S, encode_event
from api.schemas.base import View
from api.schemas.videos import PartsView, VideoView
from core.errors import NotFound
from core.records import Part, PartState, Video, VideoStatus

POLL_S = 0.4
"""How often the catalogue is asked; progress looks live and costs two small reads."""
RECONNECT_MS = 2_000

Look = Callable[[], tuple[Video, list[Part]]]
"""Reads a video and its parts from the catalogue."""

ETA_AFTER_S = 3.0
"""A rate measured over less than this is noise."""


class ActivePart(View):
    """A part that a worker has in hand; ``progress`` is that of the part, from 0 to 1, and never falls."""

    number: int
    stage: str
    progress: float


class ProgressEvent(View):
    """Where the video stands; sent when something changed. Its fields are named as in the video itself."""

    status: VideoStatus
    stage: str
    progress: float
    parts: PartsView
    active: list[ActivePart]
    eta_s: float | None


class PartEvent(View):
    """A part became searchable."""

    number: int
    start_s: float
    end_s: float


class FinishedEvent(VideoView):
    """The video as it is in the end."""

    eta_s: Literal[0] = 0


@dataclass(slots=True)
class ProgressWatch:
    """What was already told to one client, so that it hears each thing once and progress never goes back."""

    clock_s: Callable[[], float] = time.monotonic
    _told_parts: set[int] = field(default_factory=set)
    _highest_by_part: dict[int, float] = field(default_factory=dict)
    _highest: float = 0.0
    _began: tuple[float, float] | None = None
    _last: ProgressEvent | None = None

    def take(self, video: Video, parts: list[Part]) -> list[tuple[str, BaseModel]]:
        """Return what is new as (event, data), in order; at the end, the last is ``ready`` or ``failed``."""
        events: list[tuple[str, BaseModel]] = []
        for part in parts:
            if part.state == PartState.PUBLISHED and part.number not in self._told_parts:
                self._told_parts.add(part.number)
                span = part.span
                events.append(("part", PartEvent(number=part.number, start_s=span.start_s, end_s=span.end_s)))
        if video.status in (VideoStatus.READY, VideoStatus.FAILED):
            events.append((video.status.value, FinishedEvent.of(video)))
            return events
        progress = self._progress_event(video, parts)
        if _is_news(self._last, progress):
            self._last = progress
            events.append(("progress", progress))
        return events

    def _progress_event(self, video: Video, parts: list[Part]) -> ProgressEvent:
        self._highest = max(self._highest, video.progress)
        return ProgressEvent(
            status=video.status,
            stage=video.stage,
            progress=self._highest,
            parts=PartsView(done=video.n_parts_published, total=video.n_parts),
            active=[self._active(part) for part in parts if part.state == PartState.LEASED],
            eta_s=self._eta_s(),
        )

    def _active(self, part: Part) -> ActivePart:
        highest = max(part.progress, self._highest_by_part.get(part.number, 0.0))
        self._highest_by_part[part.number] = highest
        return ActivePart(number=part.number, stage=part.stage, progress=highest)

    def _eta_s(self) -> float | None:
        """Seconds left at the rate seen since this client listens; None while that is too little to tell."""
        now_s = self.clock_s()
        if self._began is None:
            self._began = (now_s, self._highest)
        began_s, began_progress = self._began
        passed_s, gained = now_s - began_s, self._highest - began_progress
        if passed_s < ETA_AFTER_S or gained <= 0:
            return None
        return round((1 - self._highest) * passed_s / gained, 1)


def _is_news(last: ProgressEvent | None, current: ProgressEvent) -> bool:
    """Whether anything but the estimate changed."""
    return last is None or last.model_copy(update={"eta_s": None}) != current.model_copy(update={"eta_s": None})


async def stream_progress(
    look: Look, *, poll_s: float = POLL_S, heartbeat_s: float = HEARTBEAT_S
) -> AsyncGenerator[bytes]:
    """Yield the events of a video until it is ready, failed or deleted.

    ``look`` runs in a thread. A client that reconnects hears the current state again, whatever
    ``Last-Event-ID`` it brings: the state is the truth, not the history.
    """
    watch = ProgressWatch()
    number = 0
    quiet_s = 0.0
    while True:
        try:
            video, parts = await run_in_threadpool(look)
        except NotFound:
            yield encode_event("deleted", {}, number)
            return
        events = watch.take(video, parts)
        for name, data in events:
            yield encode_event(name, data, number, retry_ms=RECONNECT_MS if number == 0 else None)
            number += 1
            if name in ("ready", "failed"):
                return
        quiet_s = 0.0 if events else quiet_s + poll_s
        if quiet_s >= heartbeat_s:
            quiet_s = 0.0
            yield HEARTBEAT
        await asyncio.sleep(poll_s)
