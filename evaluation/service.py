"""Runs the real service on a home, fills its library over HTTP and times it.

It does not know what is searched for, nor how results are scored.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from api.cli_server import await_server
from api.client import Client, error_of
from core.errors import KinographError, TryAgain
from core.records import Answer, Moment, VideoStatus
from evaluation.corpus import Clip
from evaluation.memory import MemoryMeter
from evaluation.replies import read_answer, read_moments

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
SEARCH_TIMEOUT_S = 120.0
"""The first search may wait for models to load."""
POLL_S = 0.5
LOG_NAME = "evaluation.log"

Progress = Callable[[str, float], None]
"""``on_progress(clip, share)`` with the share of the clip that is indexed, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: how it is reached, how long its start took, and its memory so far.

    ``min_score`` replaces the service's relevance cut-off in searches: 0.0 shows the ranking as it is.
    """

    client: Client
    http: httpx.Client
    startup_s: float
    memory: MemoryMeter
    min_score: float | None = None

    def search(self, query: str, limit: int) -> tuple[Moment, ...]:
        """Return the moments of the whole library, best first."""
        body = {"query": query, "limit": limit, "min_score": self.min_score}
        response = self.http.post("/v1/search", json=body)
        if response.is_error:
            raise error_of(response.status_code, response.json())
        return read_moments(response.json())

    def ask(self, question: str, video_ids: Sequence[str], options: Sequence[str] = ()) -> Answer:
        """Return the answer, one of the options if given, from some videos; from the whole library if none is named."""
        return read_answer(self.client.ask(question, videos=video_ids, options=options))


@dataclass(frozen=True, slots=True)
class Indexing:
    """How a library was filled: from the first byte sent until the last video was ready.

    ``duration_by_clip`` is how long each clip is in seconds, as the service found; clips that it could not read lack.
    """

    took_s: float
    media_s: float
    id_by_clip: dict[str, str]
    failures: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    first_searchable_s: float | None = None
    duration_by_clip: dict[str, float] = field(default_factory=dict)

    @property
    def realtime_factor(self) -> float:
        """Seconds of media indexed per second."""
        return self.media_s / self.took_s if self.took_s else 0.0


@contextmanager
def run_service(home: Path, *, profile: str | None = None, min_score: float | None = None) -> Iterator[Service]:
    """Yield ``kinograph serve`` on a home, on a free port; stop it at the end. Its log is kept in the home.

    Raises:
        TryAgain: it did not start.
    """
    home.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "KINOGRAPH_HOME": str(home)}
    environment.pop("KINOGRAPH_URL", None)
    if profile:
        environment["KINOGRAPH_PROFILE"] = profile
    command = [sys.executable, "-m", "api.cli", "serve", "--host", "127.0.0.1", "--port", "0"]
    started_s = time.monotonic()
    with (home / LOG_NAME).open("ab") as log:
        child = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            with MemoryMeter(child.pid) as memory:
                url = _wait_until_alive(child, home)
                startup_s = time.monotonic() - started_s
                api_key = environment.get("KINOGRAPH_API_KEY")
                headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
                http = httpx.Client(base_url=url, headers=headers, timeout=SEARCH_TIMEOUT_S)
                with Client(url, api_key=api_key) as client, http:
                    yield Service(client, http, startup_s, memory, min_score)
        finally:
            _stop(child)


def index_clips(
    service: Service, clips: Sequence[Clip], on_progress: Progress = lambda _clip, _share: None
) -> Indexing:
    """Upload clips and wait until each is ready or has failed; what the service refuses is noted, not raised."""
    started_s = time.monotonic()
    id_by_clip, failures = _upload(service.client, clips)
    waiting = dict(id_by_clip)
    warnings: dict[str, list[str]] = {}
    duration_by_clip: dict[str, float] = {}
    first_searchable_s: float | None = None
    while waiting:
        for name, video_id in [*waiting.items()]:
            video = service.client.get_video(video_id)
            on_progress(name, video["progress"])
            if first_searchable_s is None and video["parts"]["done"]:
                first_searchable_s = time.monotonic() - started_s
            if video["status"] == VideoStatus.FAILED:
                failures[name] = describe_failure(video)
            if video["status"] in (VideoStatus.READY, VideoStatus.FAILED):
                on_progress(name, 1.0)
                warnings |= {name: video["warnings"]} if video["warnings"] else {}
                duration_by_clip |= {name: video["duration_s"]} if video["duration_s"] else {}
                del waiting[name]
        time.sleep(POLL_S if waiting else 0)
    media_s = sum(
        clip.duration_s or duration_by_clip.get(clip.name, 0.0) for clip in clips if clip.name not in failures
    )
    took_s = time.monotonic() - started_s
    return Indexing(took_s, media_s, id_by_clip, failures, warnings, first_searchable_s, duration_by_clip)


def find_clips(service: Service, clips: Sequence[Clip]) -> Indexing:
    """Return the ids of clips that the library already holds, by file name; nothing is indexed.

    Raises:
        TryAgain: none of the clips is there.
    """
    videos = {video["filename"]: video for video in service.client.list_videos()}
    id_by_clip = {clip.name: videos[clip.name]["id"] for clip in clips if clip.name in videos}
    if not id_by_clip:
        raise TryAgain("this home holds none of the clips", remedy="Run without --reuse to index them.")
    failures = {clip.name: "not in this home" for clip in clips if clip.name not in videos}
    failures |= {
        name: describe_failure(videos[name]) for name in id_by_clip if videos[name]["status"] != VideoStatus.READY
    }
    durations = {name: videos[name]["duration_s"] for name in id_by_clip if videos[name]["duration_s"]}
    return Indexing(0.0, 0.0, id_by_clip, failures, duration_by_clip=durations)


def describe_failure(video: dict[str, Any]) -> str:
    """Return in a sentence why a video is not ready.

    >>> describe_failure({"status": "failed", "failure": {"stage": "probe", "reason": "no streams", "remedy": ""}})
    'probe: no streams'
    """
    failure = video["failure"]
    return f"{failure['stage']}: {failure['reason']}" if failure else f"status {video['status']}"


def _upload(client: Client, clips: Sequence[Clip]) -> tuple[dict[str, str], dict[str, str]]:
    """Return video ids and refusals, both by clip."""
    id_by_clip: dict[str, str] = {}
    failures: dict[str, str] = {}
    for clip in clips:
        try:
            video, _is_new = client.add_video(clip.path, subtitles=clip.subtitles)
        except TryAgain:
            raise
        except KinographError as error:
            failures[clip.name] = str(error)
        else:
            id_by_clip[clip.name] = video["id"]
    return id_by_clip, failures


def _wait_until_alive(child: subprocess.Popen[bytes], home: Path) -> str:
    url = await_server(child, home, timeout_s=START_TIMEOUT_S)
    if url is not None:
        return url
    log = (home / LOG_NAME).read_text(errors="replace").strip().splitlines()
    raise TryAgain(
        f"the service did not start: {log[-1] if log else 'it said nothing'}", remedy=f"See {home / LOG_NAME}."
    )


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
