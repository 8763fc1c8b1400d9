"""Publishing: a finished part artifact becomes rows and points, so that it can be found.

The worker calls it where the vector index is shared, the API process where the index is embedded and has one owner.
It does not know which.
"""

from __future__ import annotations

import logging

from core.artifact import PartArtifact, decode_artifact
from core.errors import KinographError
from core.records import Part
from core.stores import Catalogue, MediaStore, SegmentIndex, SegmentPoint

log = logging.getLogger(__name__)


def publish_ready_parts(catalogue: Catalogue, index: SegmentIndex, media: MediaStore) -> int:
    """Publish every part whose artifact is finished; return how many. Doing it twice changes nothing.

    Points go first: a part is only called published once it can be found. A crash in between is repaired by the next
    call, which overwrites the same ids.
    """
    n_published = 0
    for part in catalogue.parts_to_publish():
        try:
            n_published += publish_part(part, catalogue, index, media)
        except KinographError as error:
            log.warning("part %s/%d is not published yet: %s", part.video_id, part.number, error)
    return n_published


def publish_part(part: Part, catalogue: Catalogue, index: SegmentIndex, media: MediaStore) -> bool:
    """Publish one part; return False when its video was deleted meanwhile, and leave no points of it."""
    assert part.artifact_key is not None, "only indexed parts are published"
    artifact = decode_artifact(media.read_bytes(part.artifact_key))
    index.delete_part(part.video_id, part.number)
    index.upsert(segment_points(artifact))
    if catalogue.publish_part(part, artifact.evidence, artifact.segments):
        return True
    index.delete_part(part.video_id, part.number)
    return False


def segment_points(artifact: PartArtifact) -> list[SegmentPoint]:
    """Return the index points of an artifact; segments without any vector are left out."""
    return [
        SegmentPoint(segment, artifact.tenant, vectors)
        for segment, vectors in zip(artifact.segments, artifact.vectors, strict=True)
        if vectors.text is not None or vectors.frames is not None
    ]


def repair_index(catalogue: Catalogue, index: SegmentIndex, media: MediaStore) -> int:
    """Publish the points of each video again whose number differs from its segments; return how many parts.

    An embedded index acknowledges before it flushes: a power cut may take its last seconds, a kill does not.
    """
    n_repaired = 0
    is_whole: dict[str, bool] = {}
    for part in catalogue.published_parts():
        if part.video_id not in is_whole:
            is_whole[part.video_id] = index.count(part.video_id) == len(catalogue.list_segments(part.video_id))
        if not is_whole[part.video_id] and part.artifact_key is not None:
            index.upsert(segment_points(decode_artifact(media.read_bytes(part.artifact_key))))
            n_repaired += 1
    return n_repaired
