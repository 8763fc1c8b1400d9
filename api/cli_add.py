"""`kinograph add`: sends files with a bar of bytes, then follows their indexing with a bar of what is done.

It does not know how a server is found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.progress import Progress, TaskID

from api.cli_render import err, index_progress, upload_progress
from api.client import Client, Json
from core.errors import KinographError

WORKING = ("uploaded", "indexing")
RECONNECT_PAUSE_S = 1.0
"""Where a proxy or a restart ends a stream early, it is opened again; the server repeats the current state."""


def add_files(
    client: Client,
    paths: Sequence[Path],
    *,
    title: str | None,
    subtitles: Path | None,
    on_error: Callable[[KinographError], object],
) -> tuple[list[Json], int]:
    """Upload the files one after the other; return the videos and how many files were refused.

    A refused file does not keep the next ones from being sent.
    """
    videos: list[Json] = []
    n_failed = 0
    with upload_progress() as progress:
        for path in paths:
            total_bytes = path.stat().st_size + (subtitles.stat().st_size if subtitles else 0)
            task = progress.add_task(path.name, total=total_bytes)
            try:
                video, is_new = client.add_video(
                    path, title=title, subtitles=subtitles, on_sent=_advance(progress, task)
                )
            except KinographError as error:
                n_failed += 1
                on_error(error)
                continue
            finally:
                progress.remove_task(task)
            if not is_new:
                left = [name for name, given in (("--title", title), ("--subtitles", subtitles)) if given]
                unused = f"; {' and '.join(left)} did not change it" if left else ""
                err.print(
                    f"{path.name} is in the library already, as “{video['title']}”{unused}",
                    markup=False,
                    soft_wrap=True,
                )
            if all(video["id"] != known["id"] for known in videos):
                videos.append(video)
    return videos, n_failed


def _advance(progress: Progress, task: TaskID) -> Callable[[int], None]:
    return lambda n_bytes: progress.advance(task, n_bytes)


def wait_for_videos(client: Client, videos: Sequence[Json]) -> list[Json]:
    """Return the videos as they are once each is ready or failed; workers take them in the order they came."""
    with index_progress() as progress:
        tasks = [progress.add_task(video["title"], total=1.0, stage="waiting") for video in videos]
        return [_wait_for(client, video, progress, task) for video, task in zip(videos, tasks, strict=True)]


def _wait_for(client: Client, video: Json, progress: Progress, task: TaskID) -> Json:
    """Follow one video to its end, however often the stream breaks off.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    while video["status"] in WORKING:
        for event, data in client.follow_video(video["id"]):
            if event == "progress":
                progress.update(task, completed=data["progress"], stage=_say_stage(data))
        video = client.get_video(video["id"])
        if video["status"] in WORKING:
            time.sleep(RECONNECT_PAUSE_S)
    progress.update(task, completed=1.0, stage=video["status"])
    return video


def _say_stage(data: Json) -> str:
    """Return the stage and the parts that can be searched already.

    >>> _say_stage({"stage": "screen text", "parts": {"done": 1, "total": 3}})
    'screen text, 1 of 3 parts searchable'
    """
    stage = data["stage"] or "waiting"
    parts = data["parts"]
    return f"{stage}, {parts['done']} of {parts['total']} parts searchable" if parts["total"] else stage
