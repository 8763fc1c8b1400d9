"""Ids: random for what people create, derived (UUIDv5) for what we compute, so doing it twice changes nothing."""

from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

_NAMESPACE = uuid5(NAMESPACE_URL, "https://kinograph.dev/ids")


def new_id() -> str:
    """Return a random UUIDv4 for something a person created (a video, an upload)."""
    return str(uuid4())


def derived_id(*names: object) -> str:
    """Return the UUIDv5 of the names in order; equal names give the equal id on every machine (RFC 9562 §5.5).

    >>> derived_id("v", "offline", 1, "segment", 0) == derived_id("v", "offline", 1, "segment", 0)
    True
    >>> derived_id("a", "b") == derived_id("ab")
    False
    """
    return str(uuid5(_NAMESPACE, "\x1f".join(str(name) for name in names)))


def is_id(text: str) -> bool:
    """Whether the text is a well-formed UUID.

    >>> is_id("nonsense"), is_id(derived_id("x"))
    (False, True)
    """
    try:
        UUID(text)
    except ValueError:
        return False
    return True
