"""The three jobs of a worker — plan a video, index a part, finish a video — as plain functions over stores.

It does not know Celery; ``worker.py`` binds these to messages. Each may run twice, or be killed at any line.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.artifact import PartArtifact, decode_artifact, encode_artifact
from core.errors import BadInput, KinographError, NotFound, StageFailed, StaleLease, TryAgain
from core.protocols import EntityRecogniser, MediaReader
from core.records import Failure, Lease, Part, Video, VideoStatus
from core.signals import SubtitleCue
from core.stores import Catalogue, MediaStore
from indexer.finish import finish_video
from indexer.lease import LeaseKeeper
from indexer.parts import plan_parts
from indexer.pipeline import Perception, index_part

log = logging.getLogger(__name__)

RETRY_PAUSE_S = 5.0
"""Before a part goes back because a disk is full or a server is away, so that its attempts do not burn in a second."""

_UNEXPECTED = "This is a defect of Kinograph or of a model; the worker's log has the details."


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with; ``perception`` and ``recogniser`` load their models on first use."""

    name: str
    catalogue: Catalogue
    media: MediaStore
    reader: MediaReader
    perception: Callable[[], Perception]
    recogniser: Callable[[], EntityRecogniser]
    part_s: float
    lease_s: float


def run_plan(video_id: str, tools: Tools) -> None:
    """Plan the parts of a video, once; a video that cannot be read fails with the reason."""
    try:
        video = tools.catalogue.get_video(video_id)
    except NotFound:
        return
    if video.n_parts is not None or video.failure is not None:
        return
    try:
        with tools.media.local_path(video.media_key) as path:
            info = tools.reader.probe(path)
    except (BadInput, StageFailed) as error:
        tools.catalogue.fail_video(video_id, Failure("probe", error.reason, error.remedy))
        return
    tools.catalogue.plan_parts(video_id, plan_parts(info, target_s=tools.part_s))


def run_next_part(tools: Tools) -> bool:
    """Claim the next part, index it and commit its artifact; return whether there was one."""
    lease = tools.catalogue.claim_part(tools.name, lease_s=tools.lease_s)
    if lease is None:
        return False
    try:
        with LeaseKeeper(tools.catalogue, lease, lease_s=tools.lease_s) as keeper:
            artifact_key, warnings = _index(lease, tools, keeper)
        tools.catalogue.commit_part(lease, artifact_key, warnings=warnings)
        if lease.earlier_artifact_key is not None:
            tools.media.delete_prefix(lease.earlier_artifact_key)
    except (StaleLease, NotFound) as error:
        log.info("dropped part %s/%d: %s", lease.video_id, lease.number, error)
    except KinographError as error:
        if isinstance(error, TryAgain):
            time.sleep(RETRY_PAUSE_S)
        stage = error.stage if isinstance(error, StageFailed) else "index"
        _give_back(lease, tools, Failure(stage, error.reason, error.remedy), is_final=isinstance(error, BadInput))
    except Exception as error:
        log.exception("part %s/%d failed", lease.video_id, lease.number)
        _give_back(lease, tools, Failure("index", f"{type(error).__name__}: {error}", _UNEXPECTED), is_final=False)
    return True


def run_finish(video_id: str, tools: Tools) -> None:
    """Build the graph of a video whose parts are all done, and mark it ready."""
    try:
        video = tools.catalogue.get_video(video_id)
    except NotFound:
        return
    if video.status is not VideoStatus.INDEXING:
        return
    finish_video(video, tools.catalogue, tools.media, tools.recogniser())


def artifact_key(lease: Lease) -> str:
    """Return where a lease's artifact is written: the fence keeps a late worker from touching its successor's file."""
    return f"videos/{lease.video_id}/parts/{lease.number:05d}-{lease.fence}.kpart"


def _index(lease: Lease, tools: Tools, keeper: LeaseKeeper) -> tuple[str, tuple[str, ...]]:
    video = tools.catalogue.get_video(lease.video_id)
    part = Part(video_id=lease.video_id, number=lease.number, span=lease.span)
    with tools.media.local_path(video.media_key) as path:
        cues = _subtitles(video, tools)
        earlier = _earlier_artifact(lease, tools)
        artifact = index_part(video, part, path, cues, tools.perception(), tools.media, keeper.report, earlier)
    log.info("indexed part %d of %s: %s", part.number, video.title, artifact.stage_seconds)
    key = artifact_key(lease)
    tools.media.put_bytes(key, encode_artifact(artifact))
    return key, artifact.warnings


def _earlier_artifact(lease: Lease, tools: Tools) -> PartArtifact | None:
    """Return what was found in the part before, if it was indexed before and that can still be read."""
    if lease.earlier_artifact_key is None:
        return None
    try:
        return decode_artifact(tools.media.read_bytes(lease.earlier_artifact_key))
    except KinographError as error:
        log.warning("part %s/%d is perceived from the start: %s", lease.video_id, lease.number, error)
        return None


def _subtitles(video: Video, tools: Tools) -> tuple[SubtitleCue, ...]:
    """Return the cues of the uploaded subtitle file, else of the embedded track, else none."""
    with tools.media.local_path(video.subtitles_key or video.media_key) as path:
        return tools.reader.read_subtitles(path)


def _give_back(lease: Lease, tools: Tools, failure: Failure, *, is_final: bool) -> None:
    try:
        tools.catalogue.fail_part(lease, failure, is_final=is_final)
    except StaleLease:
        log.info("part %s/%d had already been given to another worker", lease.video_id, lease.number)
