"""A point of the vector index as bytes: everything that looking closely at a segment needs, read in one piece.

It does not know where the bytes stand. Layout: length of the record (4 bytes) · the record as JSON · the arrays one
after another, in the order of ``_Record``. Matrices are int8 with a scale a row: half the bytes of half precision, and
on the development corpus a MaxSim moves by 0.0002 (``python -m benchmarks.compression``).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.records import Segment
from core.signals import FloatArray, SegmentVectors, SparseVector, TokenRange
from core.stores import SegmentPoint

_LENGTH = struct.Struct(">I")
_MAX_INT8 = 127


@dataclass(frozen=True, slots=True)
class _Record:
    """The point without its numbers; sizes are (rows, dimension) of each array, None where the channel is absent."""

    segment: Segment
    tenant: str
    token_ranges: tuple[TokenRange, ...]
    frame_owner: tuple[int, ...]
    tokens: tuple[int, int] | None
    frames: tuple[int, int] | None
    text: int | None
    frame_mean: int | None
    n_terms: int | None


_DECODER = msgspec.json.Decoder(_Record)


def pack_point(point: SegmentPoint) -> bytes:
    """Return the point as bytes; matrices without rows and term weights without terms count as absent."""
    vectors = point.vectors
    lexical = vectors.lexical if vectors.lexical is not None and vectors.lexical.indices else None
    record = _Record(
        segment=point.segment,
        tenant=point.tenant,
        token_ranges=vectors.token_ranges,
        frame_owner=vectors.frame_owner,
        tokens=_shape(vectors.text_tokens),
        frames=_shape(vectors.frames),
        text=None if vectors.text is None else len(vectors.text),
        frame_mean=None if vectors.frame_mean is None else len(vectors.frame_mean),
        n_terms=None if lexical is None else len(lexical.indices),
    )
    head = msgspec.json.encode(record)
    pieces = [_LENGTH.pack(len(head)), head]
    for matrix in (vectors.text_tokens, vectors.frames):
        pieces += _pack_matrix(matrix)
    pieces += [
        vector.astype(np.float32).tobytes() for vector in (vectors.text, vectors.frame_mean) if vector is not None
    ]
    if lexical is not None:
        pieces.append(np.array(lexical.indices, dtype=np.uint32).tobytes())
        pieces.append(np.array(lexical.values, dtype=np.float32).tobytes())
    return b"".join(pieces)


def unpack_point(data: bytes) -> SegmentPoint:
    """Return the point that ``pack_point`` wrote; all vectors are float32."""
    (length,) = _LENGTH.unpack_from(data)
    record = _DECODER.decode(memoryview(data)[_LENGTH.size : _LENGTH.size + length])
    reader = _Reader(data, _LENGTH.size + length)
    vectors = SegmentVectors(
        text_tokens=reader.take_matrix(record.tokens),
        frames=reader.take_matrix(record.frames),
        text=reader.take_vector(record.text),
        frame_mean=reader.take_vector(record.frame_mean),
        token_ranges=record.token_ranges,
        frame_owner=record.frame_owner,
        lexical=reader.take_terms(record.n_terms),
    )
    return SegmentPoint(record.segment, record.tenant, vectors)


class _Reader:
    """Takes arrays off the bytes, one after another."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset

    def take(self, dtype: Any, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._data, dtype=dtype, count=count, offset=self._offset)
        self._offset += found.nbytes
        return found

    def take_matrix(self, shape: tuple[int, int] | None) -> FloatArray | None:
        if shape is None:
            return None
        scales = self.take(np.float32, shape[0])
        rows = self.take(np.int8, shape[0] * shape[1]).reshape(shape).astype(np.float32)
        rows *= scales[:, None]
        return rows

    def take_vector(self, size: int | None) -> FloatArray | None:
        return None if size is None else self.take(np.float32, size)

    def take_terms(self, n_terms: int | None) -> SparseVector | None:
        if n_terms is None:
            return None
        indices, values = self.take(np.uint32, n_terms), self.take(np.float32, n_terms)
        return SparseVector(tuple(indices.tolist()), tuple(values.tolist()))


def _shape(matrix: FloatArray | None) -> tuple[int, int] | None:
    return None if matrix is None or not matrix.size else (matrix.shape[0], matrix.shape[1])


def _pack_matrix(matrix: FloatArray | None) -> list[bytes]:
    if matrix is None or not matrix.size:
        return []
    scales = np.maximum(np.abs(matrix).max(axis=1), np.finfo(np.float32).tiny).astype(np.float32) / _MAX_INT8
    rows = np.rint(matrix / scales[:, None]).astype(np.int8)
    return [scales.tobytes(), rows.tobytes()]
