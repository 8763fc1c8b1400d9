"""Looking: the keyframes that a model sees beside the words.

It does not know what the model is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.errors import NotFound
from core.records import Keyframe, Moment
from core.stores import EvidenceCatalogue, MediaStore
from rag.exhibits import MAX_PICTURES, Exhibit


def attach_pictures(
    exhibits: Sequence[Exhibit], moments: Sequence[Moment], catalogue: EvidenceCatalogue, media: MediaStore
) -> list[Exhibit]:
    """Return the exhibits, the first MAX_PICTURES different keyframes attached to those whose span they fall into."""
    keyframes_by_video = _keyframes(moments, catalogue)
    used: set[str] = set()
    shown: list[Exhibit] = []
    for exhibit in exhibits:
        keyframe = _nearest(keyframes_by_video.get(exhibit.video_id, ()), exhibit)
        if keyframe is None or keyframe.image_key in used or len(used) >= MAX_PICTURES:
            shown.append(exhibit)
            continue
        try:
            shown.append(replace(exhibit, jpeg=media.read_bytes(keyframe.image_key)))
            used.add(keyframe.image_key)
        except NotFound:
            # Deleted since it was listed: the words still stand.
            shown.append(exhibit)
    return shown


def _keyframes(moments: Sequence[Moment], catalogue: EvidenceCatalogue) -> dict[str, list[Keyframe]]:
    segments = catalogue.get_segments([segment_id for moment in moments for segment_id in moment.segment_ids])
    keyframes: dict[str, list[Keyframe]] = {}
    for segment in segments.values():
        keyframes.setdefault(segment.video_id, []).extend(segment.keyframes)
    return keyframes


def _nearest(keyframes: Sequence[Keyframe], exhibit: Exhibit) -> Keyframe | None:
    inside = [keyframe for keyframe in keyframes if keyframe.span.overlap_s(exhibit.span) > 0]
    return min(inside, key=lambda keyframe: abs(keyframe.time_s - exhibit.span.middle_s), default=None)
