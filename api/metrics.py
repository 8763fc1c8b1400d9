"""Counts and times requests for Prometheus.

It does not know what the requests ask for.
"""

from __future__ import annotations

import time
from collections import Counter as Tally

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.records import Video, VideoStatus

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class Metrics:
    """The numbers of one app; its own registry, so that several apps can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "kinograph_requests", "Answered requests.", ["method", "route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "kinograph_request_seconds",
            "Time until the response began.",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.search_seconds = Histogram(
            "kinograph_search_seconds", "Time to find moments.", buckets=SECONDS, registry=self.registry
        )
        self.newest_videos = Gauge(
            "kinograph_newest_videos", "The newest 200 videos by status.", ["status"], registry=self.registry
        )
        self.indexed_segments = Gauge("kinograph_indexed_segments", "Segments in the index.", registry=self.registry)

    def render(self, newest_videos: tuple[Video, ...], n_segments: int) -> bytes:
        """Return everything in Prometheus' text format."""
        n_by_status = Tally(video.status for video in newest_videos)
        for status in VideoStatus:
            self.newest_videos.labels(status.value).set(n_by_status[status])
        self.indexed_segments.set(n_segments)
        return generate_latest(self.registry)


class MetricsMiddleware:
    """Counts every request by the template of its route, so that ids do not make a series each."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began_s = time.perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self.metrics.requests.labels(scope["method"], route, message["status"]).inc()
                self.metrics.request_seconds.labels(route).observe(time.perf_counter() - began_s)
            await send(message)

        await self.app(scope, receive, send_counted)
