"""Cursors of listings: the sort key of the last row, opaque to clients.

It does not know what the keys stand for.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from core.errors import BadInput


def encode_cursor(*key: str | float) -> str:
    """Return the key as a token that is safe in a URL.

    >>> decode_cursor(encode_cursor(1.5, "v"), float, str)
    (1.5, 'v')
    """
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """Return the key that a cursor holds, its values of the given kinds.

    Raises:
        BadInput: the cursor was not made by ``encode_cursor`` for a key of these kinds.
    """
    try:
        key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        key = None
    if isinstance(key, list) and [type(value) for value in key] == list(kinds):
        return tuple(key)
    raise BadInput("the cursor is not one of ours", remedy="Pass next_cursor of the previous page unchanged.")
