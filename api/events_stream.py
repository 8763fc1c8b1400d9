"""The wire format of server-sent events: an event as bytes, a sign of life, and how OpenAPI describes a stream.

It does not know what is told.
"""

from __future__ import annotations

from typing import Any

from fastapi.sse import format_sse_event
from pydantic import BaseModel
from pydantic_core import to_json

HEARTBEAT_S = 10.0
"""Below the idle limit of common proxies (30 to 60 s); a comment that clients ignore."""
HEARTBEAT = b": still here\n\n"

STREAM_CONTENT: dict[str, Any] = {
    "text/event-stream": {
        "itemSchema": {
            "type": "object",
            "required": ["event", "data", "id"],
            "properties": {
                "event": {"type": "string"},
                "data": {"type": "string", "contentMediaType": "application/json"},
                "id": {"type": "string"},
                "retry": {"type": "integer"},
            },
        }
    }
}
"""How OpenAPI describes a stream: by each of its events (3.2 §4.14.4; older readers see only the media type)."""

STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Neither a cache nor nginx may hold events back."""


def encode_event(name: str, data: BaseModel | dict[str, Any], number: int, *, retry_ms: int | None = None) -> bytes:
    """Return one event in the wire format of WHATWG HTML §9.2.

    >>> encode_event("deleted", {}, 7)
    b'event: deleted\\ndata: {}\\nid: 7\\n\\n'
    """
    data_json = to_json(data, inf_nan_mode="null").decode()
    return format_sse_event(data_str=data_json, event=name, id=str(number), retry=retry_ms)
