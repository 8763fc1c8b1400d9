"""Vectors of segments: each evidence is embedded once, then gathered into the segments that hold it.

It does not know which encoders it is given, nor where vectors are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.protocols import LexicalEncoder, TextEncoder, VisualEncoder
from core.records import Evidence, Segment
from core.signals import FloatArray, ImageArray, SegmentVectors, TokenRange

MAX_TOKENS = 512
"""Rows a segment's token matrix may have: a bound on what one dense slide costs in memory and rescoring."""


@dataclass(frozen=True, slots=True)
class Encoders:
    """The encoders of an embedding profile."""

    text: TextEncoder
    visual: VisualEncoder
    lexical: LexicalEncoder


def embed_segments(
    segments: Sequence[Segment],
    evidence: Sequence[Evidence],
    picture_by_time_s: Mapping[float, ImageArray],
    encoders: Encoders,
) -> tuple[SegmentVectors, ...]:
    """Return the vectors of each segment, in order; channels without content are None."""
    evidence_by_id = {item.id: item for item in evidence}
    tokens_by_id = _embed_tokens(evidence, encoders.text)
    frames = _embed_frames(picture_by_time_s, encoders.visual)
    held_by_segment = [[evidence_by_id[i] for i in segment.evidence_ids] for segment in segments]
    meanings = [meaning for held in held_by_segment if (meaning := joined_text(held, lambda item: item.in_english))]
    dense = iter(encoders.text.embed_passages(meanings)) if meanings else iter(())
    vectors = []
    for segment, held in zip(segments, held_by_segment, strict=True):
        text = joined_text(held, lambda item: "\n".join(item.readings))
        matrix, ranges = _gather_tokens(held, tokens_by_id)
        seen = [frames.get(keyframe.time_s) for keyframe in segment.keyframes]
        rows = [matrix for matrix in seen if matrix is not None]
        vectors.append(
            SegmentVectors(
                text=np.asarray(next(dense), dtype=np.float32) if text else None,
                text_tokens=matrix,
                token_ranges=ranges,
                frames=np.concatenate(rows) if rows else None,
                frame_owner=tuple(at for at, matrix in enumerate(seen) if matrix is not None for _ in matrix),
                frame_mean=_normalised_mean(rows) if rows else None,
                lexical=encoders.lexical.encode_passage(text) if text else None,
            )
        )
    return tuple(vectors)


def joined_text(evidence: Sequence[Evidence], read: Callable[[Evidence], str]) -> str:
    """Return what is read of all evidence in time order, one a line.

    The dense channel sees the English alone, since its encoder knows no other language well, the lexical channel all.
    """
    return "\n".join(read(item) for item in sorted(evidence, key=lambda item: (item.span.start_s, item.id)))


def _embed_tokens(evidence: Sequence[Evidence], encoder: TextEncoder) -> dict[str, list[FloatArray]]:
    """Return the token rows of each reading of each piece of evidence: its text, then its translation."""
    readings = [(item.id, text) for item in evidence for text in item.readings]
    rows = encoder.embed_passage_tokens([text for _, text in readings]) if readings else []
    by_id: dict[str, list[FloatArray]] = {}
    for (evidence_id, _), block in zip(readings, rows, strict=True):
        by_id.setdefault(evidence_id, []).append(block)
    return by_id


def _embed_frames(picture_by_time_s: Mapping[float, ImageArray], encoder: VisualEncoder) -> dict[float, FloatArray]:
    """Return the rows (r, v) of each keyframe's picture."""
    if not picture_by_time_s:
        return {}
    times_s = sorted(picture_by_time_s)
    rows = encoder.embed_pictures([picture_by_time_s[time_s] for time_s in times_s])
    return dict(zip(times_s, rows, strict=True))


def _gather_tokens(
    held: Sequence[Evidence], tokens_by_id: Mapping[str, Sequence[FloatArray]]
) -> tuple[FloatArray | None, tuple[TokenRange, ...]]:
    """Stack the token rows of the evidence, at most MAX_TOKENS, and say which rows are whose."""
    blocks: list[FloatArray] = []
    ranges: list[TokenRange] = []
    n_rows = 0
    for item in held:
        for rows in tokens_by_id[item.id]:
            block = rows[: MAX_TOKENS - n_rows]
            if len(block) == 0:
                continue
            blocks.append(block)
            ranges.append(TokenRange(item.id, item.modality.value, n_rows, n_rows + len(block)))
            n_rows += len(block)
    return (np.concatenate(blocks) if blocks else None), tuple(ranges)


def _normalised_mean(rows: Sequence[FloatArray]) -> FloatArray:
    mean = np.mean(np.concatenate(rows), axis=0)
    norm = float(np.linalg.norm(mean))
    return np.asarray(mean / norm if norm > 0 else mean, dtype=np.float32)
