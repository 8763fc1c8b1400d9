"""Objects: what a detector names in keyframes, as evidence with counts ("two people, a bus").

It does not know which detector looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.ids import derived_id
from core.protocols import ObjectDetector
from core.records import Evidence, Modality, Part
from indexer.keyframes import KeyframePicture

MIN_CONFIDENCE = 0.35
"""Below this a COCO detector names things that are not there (true hits measured at .37–.64)."""


def name_objects(
    keyframes: Sequence[KeyframePicture], detector: ObjectDetector, part: Part, profile: str
) -> tuple[Evidence, ...]:
    """Return one evidence a keyframe with objects, e.g. text ``"2 person, 1 bus"``."""
    evidence: list[Evidence] = []
    for keyframe in keyframes:
        found = [item for item in detector.detect_objects(keyframe.rgb) if item.confidence >= MIN_CONFIDENCE]
        if not found:
            continue
        counts = Counter(item.label for item in found)
        evidence.append(
            Evidence(
                id=derived_id(part.video_id, profile, part.number, "object", len(evidence)),
                video_id=part.video_id,
                part=part.number,
                span=keyframe.span,
                modality=Modality.OBJECT,
                text=", ".join(f"{count} {label}" for label, count in counts.most_common()),
                confidence=max(item.confidence for item in found),
                produced_by=detector.name,
            )
        )
    return tuple(evidence)
