"""The framing between the decoding child and its parent: length-prefixed JSON headers, each with raw bytes after it.

It does not know what the messages mean. Nothing is ever unpickled, since the child has touched hostile bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_PREFIX = struct.Struct(">IQ")
MAX_HEADER_BYTES = 64 * 2**20
"""A header carries at most a list of keyframe times or subtitle cues; a day of them is below this."""
MAX_PAYLOAD_BYTES = 512 * 2**20
_DTYPES = {"u1", "f4", "f8"}


class WireError(ValueError):
    """The child sent something that is not a message: it crashed midway or was subverted."""


def write_message(out: BinaryIO, header: dict[str, Any], payload: bytes | memoryview = b"") -> None:
    """Write one message and flush it."""
    text = json.dumps(header).encode()
    out.write(_PREFIX.pack(len(text), len(payload)))
    out.write(text)
    out.write(payload)
    out.flush()


def write_array(out: BinaryIO, name: str, array: NDArray[Any]) -> None:
    """Write an array of uint8, float32 or float64 as a message of kind ``array``."""
    data = np.ascontiguousarray(array)
    header = {"kind": "array", "name": name, "dtype": data.dtype.str[1:], "shape": data.shape}
    write_message(out, header, data.tobytes())


def read_messages(stream: IO[bytes]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield (header, payload) until the stream ends.

    Raises:
        WireError: a message is cut off, too large, or its header is not a JSON object.
    """
    while prefix := stream.read(_PREFIX.size):
        if len(prefix) < _PREFIX.size:
            raise WireError("cut off in a prefix")
        n_header, n_payload = _PREFIX.unpack(prefix)
        if n_header > MAX_HEADER_BYTES or n_payload > MAX_PAYLOAD_BYTES:
            raise WireError("message too large")
        text, payload = stream.read(n_header), stream.read(n_payload)
        if len(text) < n_header or len(payload) < n_payload:
            raise WireError("cut off in a message")
        try:
            header = json.loads(text)
        except ValueError as error:
            raise WireError("header is not JSON") from error
        if not isinstance(header, dict):
            raise WireError("header is not an object")
        yield header, payload


def parse_array(header: dict[str, Any], payload: bytes) -> NDArray[Any]:
    """Return the array of a message of kind ``array``.

    Raises:
        WireError: dtype or shape do not fit the payload.
    """
    dtype, shape = header.get("dtype"), header.get("shape")
    if dtype not in _DTYPES or not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise WireError("bad array header")
    try:
        return np.frombuffer(payload, np.dtype(f"<{dtype}")).reshape(shape)
    except ValueError as error:
        raise WireError("array does not fit its header") from error
