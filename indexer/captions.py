"""Captions: what a vision-language model says about each shot, as evidence; without a model there are none.

It does not know which model answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.ids import derived_id
from core.protocols import Captioner
from core.records import Evidence, Modality, Part, Shot
from indexer.keyframes import KeyframePicture

MAX_PICTURES = 4
"""Pictures of one shot shown to the model at once: more cost tokens and add little within one take."""

CAPTION_CONFIDENCE = 0.7
"""Captions are statements of a model about a picture, without a probability; they rank below read and heard words."""


def caption_shots(
    shots: Sequence[Shot], keyframes: Sequence[KeyframePicture], captioner: Captioner, part: Part, profile: str
) -> tuple[Evidence, ...]:
    """Return one caption a shot, over its keyframes; shots that the model declines to describe have none.

    Raises:
        TryAgain: the model is unreachable.
    """
    evidence: list[Evidence] = []
    for shot in shots:
        pictures = [keyframe for keyframe in keyframes if shot.span.contains(keyframe.time_s)]
        text = captioner.caption([picture.jpeg for picture in _spread(pictures)]).strip() if pictures else ""
        if not text:
            continue
        evidence.append(
            Evidence(
                id=derived_id(part.video_id, profile, part.number, "caption", len(evidence)),
                video_id=part.video_id,
                part=part.number,
                span=shot.span,
                modality=Modality.CAPTION,
                text=text,
                confidence=CAPTION_CONFIDENCE,
                produced_by=captioner.name,
            )
        )
    return tuple(evidence)


def _spread(pictures: Sequence[KeyframePicture]) -> Sequence[KeyframePicture]:
    """Return at most MAX_PICTURES of them, evenly spread."""
    if len(pictures) <= MAX_PICTURES:
        return pictures
    return [pictures[round(index * (len(pictures) - 1) / (MAX_PICTURES - 1))] for index in range(MAX_PICTURES)]
