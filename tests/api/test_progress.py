"""What a client hears while a video is indexed or an answer is written, and what happens when it leaves."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from starlette.requests import ClientDisconnect

from api.events_stream import HEARTBEAT
from api.progress import FinishedEvent, PartEvent, ProgressEvent, ProgressWatch, stream_progress
from api.relay import hear_out, relay
from core.errors import NotFound
from core.protocols import Question
from core.records import Part, PartState, Span, Video, VideoStatus
from tests.served import serve_library


def video(progress: float, status: VideoStatus = VideoStatus.INDEXING, n_published: int = 0) -> Video:
    return Video(
        "v", "default", "T", "t.mp4", "h", "k", 1, status, datetime.now(UTC), n_parts=2, n_parts_published=n_published,
        progress=progress, stage="speech",
    )  # fmt: skip


def part(number: int, state: PartState, progress: float = 0.0) -> Part:
    return Part("v", number, Span(number * 60, number * 60 + 60), state, stage="speech", progress=progress)


def test_progress_never_goes_back_though_a_part_starts_again() -> None:
    watch = ProgressWatch()
    heard = []
    for of_video, of_part in [(0.2, 0.5), (0.3, 0.8), (0.1, 0.0), (0.35, 0.9)]:
        for _, event in watch.take(video(of_video), [part(0, PartState.LEASED, of_part)]):
            assert isinstance(event, ProgressEvent)
            heard.append((event.progress, event.active[0].progress))
    assert heard == sorted(heard)
    assert heard[-1] == (0.35, 0.9)


def test_each_part_is_told_once_and_nothing_new_says_nothing() -> None:
    watch = ProgressWatch()
    parts = [part(0, PartState.PUBLISHED), part(1, PartState.LEASED)]
    first = watch.take(video(0.5, n_published=1), parts)
    assert [name for name, _ in first] == ["part", "progress"]
    assert watch.take(video(0.5, n_published=1), parts) == []
    parts[1] = part(1, PartState.PUBLISHED)
    last = watch.take(video(1.0, VideoStatus.READY, 2), parts)
    assert [name for name, _ in last] == ["part", "ready"]
    assert isinstance(last[0][1], PartEvent)
    assert (last[0][1].number, last[0][1].start_s) == (1, 60)
    assert isinstance(last[1][1], FinishedEvent)


def test_the_estimate_follows_the_rate_seen() -> None:
    clock = iter([0.0, 10.0])
    watch = ProgressWatch(clock_s=lambda: next(clock))
    [(_, first)] = watch.take(video(0.1), [])
    [(_, second)] = watch.take(video(0.3), [])
    assert isinstance(first, ProgressEvent)
    assert isinstance(second, ProgressEvent)
    assert first.eta_s is None
    assert second.eta_s == 35.0


async def collect(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


def test_a_video_deleted_meanwhile_ends_the_stream() -> None:
    looks: Iterator[tuple[Video, list[Part]] | None] = iter([(video(0.1), []), None])

    def look() -> tuple[Video, list[Part]]:
        found = next(looks)
        if found is None:
            raise NotFound("gone")
        return found

    text = asyncio.run(collect(stream_progress(look, poll_s=0))).decode()
    assert text.startswith("event: progress\n")
    assert text.endswith("event: deleted\ndata: {}\nid: 1\n\n")


def test_quiet_streams_send_heartbeats() -> None:
    looks = iter([video(0.1)] * 60 + [video(1.0, VideoStatus.READY)])
    beats = asyncio.run(collect(stream_progress(lambda: (next(looks), []), poll_s=0.001, heartbeat_s=0.02)))
    assert HEARTBEAT in beats


def test_a_client_that_leaves_ends_the_answer_and_frees_its_slot() -> None:
    closed = threading.Event()

    def steps() -> Iterator[dict[str, Any]]:
        try:
            for number in range(1_000_000):
                yield {"step": str(number)}
        finally:
            closed.set()

    async def leave_after_first() -> int:
        slots = anyio.CapacityLimiter(1)
        stream = relay(steps(), lambda item, number: item["step"].encode(), slots)
        assert await anext(stream) == b"0"
        await stream.aclose()
        await asyncio.to_thread(closed.wait, 10)
        for _ in range(100):
            if slots.borrowed_tokens == 0:
                break
            await asyncio.sleep(0.01)
        return int(slots.borrowed_tokens)

    assert asyncio.run(leave_after_first()) == 0
    assert closed.is_set()


def test_a_client_that_leaves_while_it_waits_is_never_answered() -> None:
    begun = threading.Event()

    def steps() -> Iterator[dict[str, Any]]:
        begun.set()
        yield {"step": "search"}

    async def receive() -> dict[str, Any]:
        has_left.set()
        return {"type": "http.disconnect"}

    async def leave_while_waiting() -> None:
        slots = anyio.CapacityLimiter(1)
        async with slots:
            asking = asyncio.ensure_future(hear_out(steps(), receive, slots))
            await has_left.wait()
        with pytest.raises(ClientDisconnect):
            await asking

    has_left = asyncio.Event()
    asyncio.run(leave_while_waiting())
    assert not begun.is_set()


def test_a_client_that_hangs_up_ends_the_answer_that_is_being_found(tmp_path: Path) -> None:
    begun, closed = threading.Event(), threading.Event()

    def steps(_question: Question) -> Iterator[dict[str, Any]]:
        try:
            while True:
                begun.set()
                yield {"step": "search"}
        finally:
            closed.set()

    with serve_library(tmp_path) as served:
        served.answerer.stream = steps  # type: ignore[method-assign, assignment]
        address = urlsplit(served.url)
        body = b'{"question": "q"}'
        head = f"POST /v1/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(head.encode() + b"\r\n\r\n" + body)
            assert begun.wait(10)
            assert not closed.is_set()
        assert closed.wait(10)


def test_slow_answers_send_heartbeats() -> None:
    may_go_on = threading.Event()

    def steps() -> Iterator[dict[str, Any]]:
        may_go_on.wait(10)
        yield {"step": "done"}

    async def listen() -> list[bytes]:
        stream = relay(steps(), lambda item, number: b"done", anyio.CapacityLimiter(1), heartbeat_s=0.01)
        heard = [await anext(stream)]
        may_go_on.set()
        return heard + [piece async for piece in stream]

    heard = asyncio.run(listen())
    assert heard[0] == HEARTBEAT
    assert heard[-1] == b"done"
