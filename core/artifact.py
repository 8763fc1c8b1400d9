"""The part artifact: records and vectors of one indexed part as bytes, the truth that the vector index is rebuilt from.

It does not know where the bytes are kept, nor how anything in them was computed.

Layout: magic (8 bytes) · format version (2) · BLAKE2b-128 of the rest (16) · an ``.npz`` with the records as JSON and
one stacked array a channel, so a segment costs no zip entry of its own. Equal artifacts give equal bytes.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from core.errors import StageFailed
from core.records import Evidence, Segment, Shot, Span
from core.signals import FloatArray, SegmentVectors, SparseVector, TokenRange

FORMAT_VERSION = 1
"""Raised when the layout changes; older versions must stay readable, or ``rebuild`` would need the models again."""

_MAGIC = b"KINOPART"
_PREFIX = struct.Struct(">8sH16s")

_ROW_DTYPE = np.float16
"""Token and frame rows are 96 % of the bytes, so half precision halves the artifact: 101 kB a segment of 120 tokens
and 6 frames. On 384-d unit rows it moves norms by at most 6e-5 and cosines by 1.2e-4. Publishing reads the artifact
too, so what is published and what is rebuilt are equal."""


@dataclass(frozen=True, slots=True)
class PartArtifact:
    """Everything that indexing one part produced; ``vectors`` runs parallel to ``segments``.

    ``stage_seconds`` holds the wall time of each stage by name.

    Raises:
        ValueError: ``vectors`` and ``segments`` differ in length.
    """

    video_id: str
    tenant: str
    number: int
    span: Span
    profile: str
    evidence: tuple[Evidence, ...]
    segments: tuple[Segment, ...]
    vectors: tuple[SegmentVectors, ...]
    shots: tuple[Shot, ...] = ()
    language: str | None = None
    warnings: tuple[str, ...] = ()
    stage_seconds: dict[str, float] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if len(self.vectors) != len(self.segments):
            raise ValueError(f"{len(self.segments)} segments, but vectors of {len(self.vectors)}")


@dataclass(frozen=True, slots=True)
class _Layout:
    """How many rows of each stacked array belong to a segment; None where it lacks the channel."""

    has_text: bool
    n_tokens: int | None
    token_ranges: tuple[TokenRange, ...]
    n_frames: int | None
    frame_owner: tuple[int, ...]
    has_frame_mean: bool
    n_terms: int | None


@dataclass(frozen=True, slots=True)
class _Header:
    """The artifact without its numbers."""

    video_id: str
    tenant: str
    number: int
    span: Span
    profile: str
    evidence: tuple[Evidence, ...]
    segments: tuple[Segment, ...]
    shots: tuple[Shot, ...]
    language: str | None
    warnings: tuple[str, ...]
    stage_seconds: dict[str, float]
    layouts: tuple[_Layout, ...]


_HEADER = TypeAdapter(_Header)


def encode_artifact(artifact: PartArtifact) -> bytes:
    """Return the artifact as bytes; token and frame rows are rounded to half precision."""
    header = _Header(
        video_id=artifact.video_id,
        tenant=artifact.tenant,
        number=artifact.number,
        span=artifact.span,
        profile=artifact.profile,
        evidence=artifact.evidence,
        segments=artifact.segments,
        shots=artifact.shots,
        language=artifact.language,
        warnings=artifact.warnings,
        stage_seconds=artifact.stage_seconds,
        layouts=tuple(_layout(vectors) for vectors in artifact.vectors),
    )
    packed = zlib.compress(_HEADER.dump_json(header), level=6)
    container = io.BytesIO()
    arrays: dict[str, Any] = {"header": np.frombuffer(packed, dtype=np.uint8), **_stack(artifact.vectors)}
    np.savez(container, allow_pickle=False, **arrays)
    body = container.getvalue()
    return _PREFIX.pack(_MAGIC, FORMAT_VERSION, _digest(body)) + body


def decode_artifact(data: bytes) -> PartArtifact:
    """Return the artifact that ``encode_artifact`` wrote; all vectors are float32.

    Raises:
        StageFailed: the bytes are not an artifact, are damaged, or come from another version; its stage is ``publish``.
    """
    body = _checked_body(data)
    with np.load(io.BytesIO(body), allow_pickle=False) as container:
        arrays = {name: container[name] for name in container.files}
    header = _HEADER.validate_json(zlib.decompress(arrays.pop("header").tobytes()))
    return PartArtifact(
        video_id=header.video_id,
        tenant=header.tenant,
        number=header.number,
        span=header.span,
        profile=header.profile,
        evidence=header.evidence,
        segments=header.segments,
        vectors=_unstack(header.layouts, arrays),
        shots=header.shots,
        language=header.language,
        warnings=header.warnings,
        stage_seconds=header.stage_seconds,
    )


def _checked_body(data: bytes) -> bytes:
    """Return what follows the prefix once magic, version and digest are right, so parsing it cannot fail."""
    remedy = "Delete the video and add it again."
    if len(data) < _PREFIX.size or data[: len(_MAGIC)] != _MAGIC:
        raise StageFailed("publish", "the file is not a part artifact", remedy=remedy)
    _, version, digest = _PREFIX.unpack_from(data)
    if version != FORMAT_VERSION:
        reason = f"the part artifact has format {version}, this program reads {FORMAT_VERSION}"
        raise StageFailed("publish", reason, remedy="Run the Kinograph version that wrote it, or add the video again.")
    body = data[_PREFIX.size :]
    if _digest(body) != digest:
        raise StageFailed("publish", "the part artifact is damaged", remedy=f"Check the disk. {remedy}")
    return body


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()


def _layout(vectors: SegmentVectors) -> _Layout:
    return _Layout(
        has_text=vectors.text is not None,
        n_tokens=None if vectors.text_tokens is None else len(vectors.text_tokens),
        token_ranges=vectors.token_ranges,
        n_frames=None if vectors.frames is None else len(vectors.frames),
        frame_owner=vectors.frame_owner,
        has_frame_mean=vectors.frame_mean is not None,
        n_terms=None if vectors.lexical is None else len(vectors.lexical.indices),
    )


def _stack(vectors: Sequence[SegmentVectors]) -> dict[str, NDArray[Any]]:
    """Return one array a channel: the rows of all segments that have it, in order; absent channels are left out."""
    lexical = [v.lexical for v in vectors if v.lexical is not None]
    stacks: dict[str, tuple[list[NDArray[Any]], Any]] = {
        "text": ([v.text[None] for v in vectors if v.text is not None], np.float32),
        "text_tokens": ([v.text_tokens for v in vectors if v.text_tokens is not None], _ROW_DTYPE),
        "frames": ([v.frames for v in vectors if v.frames is not None], _ROW_DTYPE),
        "frame_mean": ([v.frame_mean[None] for v in vectors if v.frame_mean is not None], np.float32),
        "term_indices": ([np.array(v.indices, dtype=np.uint32) for v in lexical], np.uint32),
        "term_values": ([np.array(v.values, dtype=np.float64) for v in lexical], np.float64),
    }
    return {name: np.concatenate(rows).astype(dtype) for name, (rows, dtype) in stacks.items() if rows}


class _Rows:
    """Hands out the next rows of each stacked array, in the order they were stacked."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self._offsets = dict.fromkeys(arrays, 0)

    def take(self, name: str, n_rows: int) -> NDArray[Any]:
        start = self._offsets[name]
        self._offsets[name] = start + n_rows
        return self._arrays[name][start : start + n_rows]

    def take_floats(self, name: str, n_rows: int | None) -> FloatArray | None:
        return None if n_rows is None else self.take(name, n_rows).astype(np.float32)

    def take_vector(self, name: str, is_present: bool) -> FloatArray | None:
        return self.take(name, 1)[0].astype(np.float32) if is_present else None

    def take_sparse(self, n_terms: int | None) -> SparseVector | None:
        if n_terms is None:
            return None
        indices, values = self.take("term_indices", n_terms), self.take("term_values", n_terms)
        return SparseVector(tuple(indices.tolist()), tuple(values.tolist()))


def _unstack(layouts: Sequence[_Layout], arrays: dict[str, NDArray[Any]]) -> tuple[SegmentVectors, ...]:
    rows = _Rows(arrays)
    return tuple(
        SegmentVectors(
            text=rows.take_vector("text", layout.has_text),
            text_tokens=rows.take_floats("text_tokens", layout.n_tokens),
            token_ranges=layout.token_ranges,
            frames=rows.take_floats("frames", layout.n_frames),
            frame_owner=layout.frame_owner,
            frame_mean=rows.take_vector("frame_mean", layout.has_frame_mean),
            lexical=rows.take_sparse(layout.n_terms),
        )
        for layout in layouts
    )
