"""The one-screen error tree, classed by what the caller can do next.

It does not know HTTP status codes or exit codes; each entry point maps these classes once.
"""


class KinographError(Exception):
    """Base of every error we raise on purpose; ``remedy`` tells the reader what to do.

    >>> str(BadInput("the file is empty", remedy="Upload a file with at least one decodable stream."))
    'the file is empty. Upload a file with at least one decodable stream.'
    """

    def __init__(self, reason: str, *, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.reason.rstrip('.')}. {self.remedy}".strip() if self.remedy else self.reason


class BadInput(KinographError):
    """The request or file can never succeed as it is; never retried (HTTP 4xx)."""


class CannotSee(BadInput):
    """The language model takes no pictures; asked again without them it may answer (HTTP 422)."""


class NotFound(BadInput):
    """The thing named by an id does not exist (HTTP 404)."""


class Conflict(BadInput):
    """The thing exists but is in a state that refuses this request (HTTP 409)."""


class TooLarge(BadInput):
    """The input exceeds a configured limit (HTTP 413)."""


class TryAgain(KinographError):
    """A server, disk or lock is unavailable for now; retried with backoff (HTTP 503)."""


class StageFailed(KinographError):
    """A perception stage could not finish; recorded on the part with the name of its stage."""

    def __init__(self, stage: str, reason: str, *, remedy: str = "") -> None:
        super().__init__(reason, remedy=remedy)
        self.stage = stage


class StaleLease(KinographError):
    """The caller no longer holds the part: its lease expired or its video was deleted; drop the work."""
