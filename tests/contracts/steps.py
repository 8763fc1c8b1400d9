"""What the contracts of the catalogue do over and over: add, plan, claim, publish, finish."""

from __future__ import annotations

import pytest

from core.errors import StaleLease
from core.records import (
    Entity,
    Event,
    Evidence,
    Failure,
    Lease,
    Link,
    Mention,
    Modality,
    NewVideo,
    Part,
    PartState,
    Segment,
    Span,
)
from core.stores import Catalogue

LEASE_S = 30.0
FAILURE = Failure("speech", "the model ran out of memory", "Choose a smaller model.")


def new_video(
    id_: str,
    *,
    tenant: str = "t",
    content_hash: str | None = None,
    title: str = "A talk",
    filename: str = "talk.mp4",
    warnings: tuple[str, ...] = (),
) -> NewVideo:
    return NewVideo(
        id=id_,
        tenant=tenant,
        title=title,
        filename=filename,
        content_hash=content_hash or f"hash of {id_}",
        media_key=f"videos/{id_}/original.mp4",
        size_bytes=5 * 2**32,
        duration_s=120.0,
        width_px=1920,
        height_px=1080,
        has_audio=True,
        subtitles_key=None,
        warnings=warnings,
    )


def speech(id_: str, video_id: str, start_s: float, end_s: float, *, part: int = 0, text: str = "hello") -> Evidence:
    return Evidence(id_, video_id, part, Span(start_s, end_s), Modality.SPEECH, text, 0.9, "whisper base")


def publish(
    catalogue: Catalogue, video_id: str, evidence: list[Evidence], segments: list[Segment] | None = None
) -> Part:
    """Take a video with one part through the ledger and return the part as it was published."""
    catalogue.plan_parts(video_id, [Span(0, 120)])
    lease = catalogue.claim_part("worker", lease_s=30)
    assert lease is not None
    assert lease.video_id == video_id
    catalogue.commit_part(lease, f"videos/{video_id}/parts/0")
    (part,) = catalogue.parts_to_publish()
    assert catalogue.publish_part(part, evidence, segments or [])
    return part


def finish(
    catalogue: Catalogue,
    video_id: str,
    *,
    events: list[Event] | None = None,
    entities: list[Entity] | None = None,
    mentions: list[Mention] | None = None,
    links: list[Link] | None = None,
) -> None:
    catalogue.finish_video(
        video_id,
        language="en",
        events=events or [],
        entities=entities or [],
        mentions=mentions or [],
        links=links or [],
    )


def mention(entity_id: str, video_id: str, start_s: float = 1.0, *, event_id: str | None = None) -> Mention:
    return Mention(entity_id, video_id, f"evidence at {start_s}", event_id, Span(start_s, start_s + 1), "Ada")


def plan(catalogue: Catalogue, video_id: str, n_parts: int) -> None:
    """Add a video with parts of 60 s, its hints sent."""
    catalogue.add_video(new_video(video_id))
    catalogue.plan_parts(video_id, [Span(60 * n, 60 * n + 60) for n in range(n_parts)])
    take_hints(catalogue)


def take_hints(catalogue: Catalogue) -> list[tuple[str, ...]]:
    """Take all hints as a dispatcher does, and return them as (task, *args)."""
    hints = catalogue.take_outbox(1000)
    catalogue.mark_sent([hint.id for hint in hints])
    return [(hint.task, *hint.args) for hint in hints]


def claim(catalogue: Catalogue, worker: str = "worker") -> Lease:
    lease = catalogue.claim_part(worker, lease_s=LEASE_S)
    assert lease is not None
    return lease


def publish_all(catalogue: Catalogue) -> None:
    for part in catalogue.parts_to_publish(1000):
        assert catalogue.publish_part(part, [], [])


def states(catalogue: Catalogue, video_id: str) -> list[PartState]:
    return [part.state for part in catalogue.list_parts(video_id)]


def assert_stale(catalogue: Catalogue, lease: Lease) -> None:
    """Assert that the lease gives no right any more, and that trying to use it changes nothing."""
    before = catalogue.list_parts(lease.video_id)
    with pytest.raises(StaleLease):
        catalogue.renew(lease, lease_s=LEASE_S, stage="late", progress=1.0)
    with pytest.raises(StaleLease):
        catalogue.commit_part(lease, "late artifact", warnings=["late"])
    with pytest.raises(StaleLease):
        catalogue.fail_part(lease, FAILURE, is_final=True)
    assert catalogue.list_parts(lease.video_id) == before
