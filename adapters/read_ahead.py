"""Files read into the system's page cache in the background, so that who maps them need not wait for the disk.

It does not know what the files hold.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

MAX_SHARE_OF_MEMORY = 0.5
"""Of the memory that is available. What does not fit whole is left to be read as it is needed: a cache that is pushed
out while it fills has cost the reading for nothing."""

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may use, in bytes, or "max" (Linux, cgroup v2); psutil tells of the whole machine."""

CHUNK_BYTES = 4 * 2**20
_BLOCK_BYTES = 512  # of st_blocks, whatever the file system's own


class ReadAhead:
    """Reads the files once, in their order, in a thread of its own; does nothing if they are too much for the memory.

    The pages belong to the system, which takes them back when it needs them. A file that is gone by the time it is to
    be read is passed over.
    """

    def __init__(self, files: Sequence[Path], *, max_bytes: int | None = None) -> None:
        self._is_stopped = threading.Event()
        wanted_bytes = sum(_size_on_disk(file) for file in files)
        limit = int(available_bytes() * MAX_SHARE_OF_MEMORY) if max_bytes is None else max_bytes
        self.is_worthwhile = wanted_bytes <= limit
        if not self.is_worthwhile:
            log.info("%d MB of files are not read ahead: %d MB of memory are to spare", wanted_bytes >> 20, limit >> 20)
        self._thread = threading.Thread(target=self._read, args=(files,), name="read-ahead", daemon=True)
        if self.is_worthwhile:
            self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return whether the files have been read, after at most so many seconds."""
        if self.is_worthwhile:
            self._thread.join(timeout_s)
        return self.is_worthwhile and not self._thread.is_alive() and not self._is_stopped.is_set()

    def stop(self) -> None:
        """Read no further; returns once the thread has let go of its file."""
        self._is_stopped.set()
        if self.is_worthwhile:
            self._thread.join()

    def _read(self, files: Sequence[Path]) -> None:
        buffer = bytearray(CHUNK_BYTES)
        for path in files:
            try:
                with path.open("rb", buffering=0) as file:
                    while not self._is_stopped.is_set() and file.readinto(buffer):
                        pass
            except OSError as error:
                log.debug("%s is not read ahead: %s", path, error)


def available_bytes(cgroup_limit: Path = CGROUP_LIMIT) -> int:
    """Return how much memory this process may hope for."""
    available = int(psutil.virtual_memory().available)
    try:
        return min(available, int(cgroup_limit.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return available


def _size_on_disk(file: Path) -> int:
    """Return the bytes that a file takes, less than its length if it has holes; 0 if it is gone."""
    try:
        found = file.stat()
    except OSError:
        return 0
    return min(found.st_size, getattr(found, "st_blocks", found.st_size) * _BLOCK_BYTES)
