"""Runs a blocking iterator in a thread for one client: hands on its items as they come, or the last alone.

It does not know what the items are. When the client leaves, the iterator is closed at its next item.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import Any

import anyio.to_thread
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from api.events_stream import HEARTBEAT, HEARTBEAT_S


async def relay(
    items: Iterator[Any],
    encode: Callable[[Any, int], bytes],
    limiter: anyio.CapacityLimiter,
    *,
    heartbeat_s: float = HEARTBEAT_S,
) -> AsyncGenerator[bytes]:
    """Yield the encoded items of a blocking iterator, run in a thread of its own, with heartbeats in between.

    When the client leaves, the iterator is closed at its next item. ``encode`` also receives exceptions that the
    iterator raises, as last item.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[Any] | None] = asyncio.Queue()
    has_left = threading.Event()

    def put(item: tuple[Any] | None) -> None:
        # The loop may be closed: the server stopped while the answer was still being written.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def pump() -> None:
        try:
            for item in items:
                if has_left.is_set():
                    break
                put((item,))
        except Exception as error:  # noqa: BLE001 - the response has begun, so any error must become its last event
            put((error,))
        finally:
            if isinstance(items, Generator):
                items.close()
            put(None)

    task = asyncio.ensure_future(anyio.to_thread.run_sync(pump, abandon_on_cancel=True, limiter=limiter))
    try:
        number = 0
        while True:
            try:
                found = await asyncio.wait_for(queue.get(), heartbeat_s)
            except TimeoutError:
                yield HEARTBEAT
                continue
            if found is None:
                return
            yield encode(found[0], number)
            number += 1
    finally:
        has_left.set()
        task.cancel()


async def hear_out(items: Iterator[Any], receive: Receive, limiter: anyio.CapacityLimiter) -> Any:
    """Return the last item of a blocking iterator, run in a thread of its own; raise what it raises.

    When the client leaves, an iterator that still waits for its thread is never begun, and one that runs is closed at
    its next item.

    Raises:
        ClientDisconnect: the client left.
    """
    has_left = threading.Event()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        has_left.set()

    def exhaust() -> Any:
        last = None
        if not has_left.is_set():
            for item in items:
                last = item
                if has_left.is_set():
                    break
        if isinstance(items, Generator):
            items.close()
        if has_left.is_set():
            raise ClientDisconnect
        return last

    watching = asyncio.ensure_future(watch())
    try:
        return await anyio.to_thread.run_sync(exhaust, limiter=limiter)
    finally:
        has_left.set()
        watching.cancel()
