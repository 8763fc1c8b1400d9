"""A point of the vector index as bytes: everything that looking closely at a segment needs, read in one piece.

It does not know where the bytes stand. Layout: length of the record (4 bytes) · the record as JSON · the arrays one
after another, in the order of ``_Record``. Matrices are int8 with a scale a row: half the bytes of half precision, and
on the development corpus a MaxSim moves by 0.0002 (``python -m benchmarks.compression``).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.records import Segment
from core.signals import FloatArray, SegmentVectors, SparseVector, TokenRange
from core.stores import SegmentPoint

_LENGTH = struct.Struct(">I")
_MAX_INT8 = 127
_SCALE_BYTES = 4


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


def unpack_points(packed: Sequence[bytes]) -> list[SegmentPoint]:
    """Return the points that ``pack_point`` wrote; all vectors are float32. Those of one index, so of one layout.

    The matrices of all points become numbers at once: by themselves, this took half of the time.
    """
    records: list[_Record] = []
    readers: list[_Reader] = []
    tokens, frames = _Matrices(), _Matrices()
    for data in packed:
        (length,) = _LENGTH.unpack_from(data)
        start = _LENGTH.size + length
        record = _DECODER.decode(memoryview(data)[_LENGTH.size : start])
        reader = _Reader(data, start)
        tokens.add(reader, record.tokens)
        frames.add(reader, record.frames)
        records.append(record)
        readers.append(reader)
    held = zip(records, readers, tokens.unpack(), frames.unpack(), strict=True)
    return [_to_point(record, reader, own_tokens, own_frames) for record, reader, own_tokens, own_frames in held]


def _to_point(record: _Record, reader: _Reader, tokens: FloatArray | None, frames: FloatArray | None) -> SegmentPoint:
    vectors = SegmentVectors(
        text_tokens=tokens,
        frames=frames,
        text=reader.take_vector(record.text),
        frame_mean=reader.take_vector(record.frame_mean),
        token_ranges=record.token_ranges,
        frame_owner=record.frame_owner,
        lexical=reader.take_terms(record.n_terms),
    )
    return SegmentPoint(record.segment, record.tenant, vectors)


class _Reader:
    """Takes bytes and arrays off a packed point, one after another."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset

    def take_bytes(self, size: int) -> bytes:
        start, self._offset = self._offset, self._offset + size
        return self._data[start : self._offset]

    def take(self, dtype: Any, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._data, dtype=dtype, count=count, offset=self._offset)
        self._offset += found.nbytes
        return found

    def take_vector(self, size: int | None) -> FloatArray | None:
        return None if size is None else self.take(np.float32, size)

    def take_terms(self, n_terms: int | None) -> SparseVector | None:
        if n_terms is None:
            return None
        indices, values = self.take(np.uint32, n_terms), self.take(np.float32, n_terms)
        return SparseVector(tuple(indices.tolist()), tuple(values.tolist()))


class _Matrices:
    """The int8 matrices of one channel of many points, made float32 together."""

    def __init__(self) -> None:
        self._lengths: list[int | None] = []
        self._scales: list[bytes] = []
        self._rows: list[bytes] = []
        self._dimension = 1

    def add(self, reader: _Reader, shape: tuple[int, int] | None) -> None:
        """Take the next matrix; a shape of None is a point without one."""
        self._lengths.append(None if shape is None else shape[0])
        if shape is not None:
            n_rows, self._dimension = shape
            self._scales.append(reader.take_bytes(n_rows * _SCALE_BYTES))
            self._rows.append(reader.take_bytes(n_rows * self._dimension))

    def unpack(self) -> list[FloatArray | None]:
        """Return the matrix of each point, in the order in which they were added."""
        rows = np.frombuffer(b"".join(self._rows), np.int8).reshape(-1, self._dimension).astype(np.float32)
        rows *= np.frombuffer(b"".join(self._scales), np.float32)[:, None]
        bounds = accumulate((length or 0 for length in self._lengths), initial=0)
        return [
            None if length is None else rows[start:end]
            for length, (start, end) in zip(self._lengths, pairwise(bounds), strict=True)
        ]


def _shape(matrix: FloatArray | None) -> tuple[int, int] | None:
    return None if matrix is None or not matrix.size else (matrix.shape[0], matrix.shape[1])


def _pack_matrix(matrix: FloatArray | None) -> list[bytes]:
    if matrix is None or not matrix.size:
        return []
    scales = np.maximum(np.abs(matrix).max(axis=1), np.finfo(np.float32).tiny).astype(np.float32) / _MAX_INT8
    rows = np.rint(matrix / scales[:, None]).astype(np.int8)
    return [scales.tobytes(), rows.tobytes()]
