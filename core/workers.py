"""How worker processes are named and tied to their parent; it does not know what they work on."""

import os
import socket

PARENT_PID_VARIABLE = "KINOGRAPH_PARENT_PID"
"""Set for the child workers of `kinograph serve`: they end themselves when that process is gone."""


def worker_prefix(pid: int | None = None) -> str:
    """Return how the names of a process's workers begin; its leases are released by it when the process dies."""
    return f"{socket.gethostname()}-{pid or os.getpid()}-"
