"""Finishing a video: when all its parts are published, its events, entities and links are built from what they hold.

It does not know Celery; it reads the catalogue and the artifacts, and writes one transaction.
"""

from __future__ import annotations

from collections import Counter

from core.artifact import decode_artifact
from core.protocols import EntityRecogniser
from core.records import PartState, Segment, Video
from core.signals import FloatArray
from core.stores import Catalogue, MediaStore
from graph.build import build_video_graph


def finish_video(video: Video, catalogue: Catalogue, media: MediaStore, recogniser: EntityRecogniser) -> None:
    """Build the video's part of the knowledge graph and mark the video ready. Doing it twice changes nothing."""
    segments = catalogue.list_segments(video.id)
    evidence = catalogue.list_evidence(video.id)
    known = catalogue.list_entities(video.tenant, limit=MAX_KNOWN_ENTITIES).items
    built = build_video_graph(
        video,
        segments,
        evidence,
        _text_vectors(video, catalogue, media),
        recogniser=recogniser,
        known_entities=known,
    )
    catalogue.finish_video(
        video.id,
        language=_main_language(segments),
        events=built.events,
        entities=built.entities,
        mentions=built.mentions,
        links=built.links,
    )


MAX_KNOWN_ENTITIES = 20_000
"""Entities a new video's names are compared with, the most mentioned first."""


def _text_vectors(video: Video, catalogue: Catalogue, media: MediaStore) -> dict[str, FloatArray]:
    """Return the dense text vector of each segment that has one, from the artifacts (the index may be out of reach)."""
    vector_by_segment: dict[str, FloatArray] = {}
    for part in catalogue.list_parts(video.id):
        if part.state is not PartState.PUBLISHED or part.artifact_key is None:
            continue
        artifact = decode_artifact(media.read_bytes(part.artifact_key))
        for segment, vectors in zip(artifact.segments, artifact.vectors, strict=True):
            if vectors.text is not None:
                vector_by_segment[segment.id] = vectors.text
    return vector_by_segment


def _main_language(segments: list[Segment]) -> str | None:
    """Return the language most seconds are spoken in."""
    seconds: Counter[str] = Counter()
    for segment in segments:
        if segment.language:
            seconds[segment.language] += round(segment.span.duration_s * 1000)
    return seconds.most_common(1)[0][0] if seconds else None
