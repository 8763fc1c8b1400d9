"""Copies a home, and indexes its videos again in this process with the very engines it is given.

It does not know why. What the same engines heard and read before is taken over, as by `kinograph reindex`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from adapters import build
from core.artifact import decode_artifact, encode_artifact
from core.errors import BadInput, Conflict, StageFailed
from core.publication import publish_ready_parts
from core.records import Evidence, Video, VideoStatus
from core.settings import Settings
from evaluation.library import list_videos
from evaluation.service import LOG_NAME
from indexer.pipeline import Perception
from indexer.tasks import Tools, run_finish, run_next_part
from indexer.worker import make_tools

LEFT_BEHIND = ("broker", "logs", "uploads", "*.lock", LOG_NAME)
"""What a home has beside its library."""

Recall = Callable[[Evidence], Evidence]
"""How a piece of evidence that was found before is remembered."""


def find_videos(settings: Settings, filenames: Collection[str]) -> tuple[list[Video], int]:
    """Return the home's videos of these file names, in the order in which they were added, and how many more it has.

    Raises:
        BadInput: one of them is not ready, or parts of the library lie outside the home, so that a copy of it would be
            indexed over the original.
    """
    if settings.database_url or settings.media_url or settings.qdrant_url:
        raise BadInput(
            "parts of the library lie outside its home",
            remedy="Unset KINOGRAPH_DATABASE_URL, KINOGRAPH_MEDIA_URL and KINOGRAPH_QDRANT_URL.",
        )
    with closing(build.build_catalogue(settings)) as catalogue:
        held = list_videos(catalogue)
    videos = [video for video in reversed(held) if video.filename in filenames]
    unready = sorted(video.filename for video in videos if video.status is not VideoStatus.READY)
    if unready:
        raise BadInput(f"not ready: {', '.join(unready)}", remedy="Let a service finish them, or `kinograph reindex`.")
    return videos, len(held) - len(videos)


def copy_home(home: Path, target: Path) -> None:
    """Copy the library of a home into a new folder.

    Raises:
        Conflict: a service runs on the home, and may be writing there.
    """
    lock = FileLock(home / "serve.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Conflict(f"a kinograph serves {home}", remedy="Stop it first.") from error
    try:
        shutil.copytree(home, target, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    finally:
        lock.release()


def load_perception(settings: Settings) -> Perception:
    """Return the engines that a worker would index with."""
    tools = make_tools(settings)
    tools.catalogue.close()
    return tools.perception()


def reindex(
    settings: Settings,
    perception: Perception,
    videos: Sequence[Video],
    *,
    recall: Recall = lambda item: item,
    on_part: Callable[[], None] = lambda: None,
) -> list[Evidence]:
    """Index videos of a home again, and return all of their evidence; no service may run on the home.

    What is taken over is what ``recall`` makes of it; ``on_part`` is called after each part.

    Raises:
        StageFailed: a video could not be indexed.
    """
    tools = replace(
        make_tools(settings),
        reader=perception.reader,
        perception=lambda: perception,
        recogniser=lambda: perception.names,
    )
    index = build.build_index(settings)
    try:
        for video in videos:
            _rewrite(video, tools, recall)
            tools.catalogue.reopen_video(video.id)
        while run_next_part(tools):
            publish_ready_parts(tools.catalogue, index, tools.media)
            on_part()
        for video in videos:
            run_finish(video.id, tools)
            done = tools.catalogue.get_video(video.id)
            if done.status is not VideoStatus.READY:
                why = f": {done.failure.reason}" if done.failure else ""
                raise StageFailed("index", f"{video.filename} is {done.status}{why}")
        return [item for video in videos for item in tools.catalogue.list_evidence(video.id)]
    finally:
        index.close()
        tools.catalogue.close()


def _rewrite(video: Video, tools: Tools, recall: Recall) -> None:
    """Write the artifacts of a video anew, as they are remembered: from there evidence is taken over."""
    for part in tools.catalogue.list_parts(video.id):
        assert part.artifact_key is not None, "a video that is ready has an artifact a part"
        artifact = decode_artifact(tools.media.read_bytes(part.artifact_key))
        evidence = tuple(recall(item) for item in artifact.evidence)
        if evidence != artifact.evidence:
            tools.media.put_bytes(part.artifact_key, encode_artifact(replace(artifact, evidence=evidence)))
