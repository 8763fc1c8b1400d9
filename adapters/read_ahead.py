"""Files read into the system's page cache in the background, so that who maps them need not wait for the disk.

It does not know what the files hold.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Collection, Iterator, Sequence
from io import FileIO
from pathlib import Path

import psutil

log = logging.getLogger(__name__)

MAX_SHARE_OF_MEMORY = 0.2
"""Of the memory that is available. The rest is left to be read as it is needed: a cache that is pushed out while it
fills has cost the reading for nothing, and others need memory, too."""

CGROUP = Path("/sys/fs/cgroup")
"""Where a container finds its own limit (Linux, cgroup v2); psutil tells of the whole machine."""

CHUNK_BYTES = 4 * 2**20


class ReadAhead:
    """Reads what the files hold once, in their order, in a thread of its own; holes and what is gone are passed over.

    It ends after ``max_bytes`` (None: as many as the memory to spare bears); ``n_bytes`` have been read so far. The
    pages belong to the system, which takes them back when it needs them.

    ``locked`` are files that this process holds locks on by other descriptors. Closing any descriptor of such a file
    gives up all of the process's locks (POSIX; https://sqlite.org/howtocorrupt.html, 2.2), so theirs stay open until
    ``release``.
    """

    def __init__(self, files: Sequence[Path], *, locked: Collection[Path] = (), max_bytes: int | None = None) -> None:
        self.n_bytes = 0
        self._max_bytes = int(spare_bytes() * MAX_SHARE_OF_MEMORY) if max_bytes is None else max_bytes
        self._is_stopped = threading.Event()
        self._is_complete = False
        self._locked = locked
        self._held: list[FileIO] = []
        self._thread = threading.Thread(target=self._read, args=(files,), name="read-ahead", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return whether all that fits has been read, after at most so many seconds."""
        self._thread.join(timeout_s)
        return self._is_complete

    def stop(self) -> None:
        """Read no further; returns once the thread is done."""
        self._is_stopped.set()
        self._thread.join()

    def release(self) -> None:
        """Stop, and close the locked files; call it when this process no longer needs its locks on them."""
        self.stop()
        while self._held:
            self._held.pop().close()

    def _read(self, files: Sequence[Path]) -> None:
        buffer = memoryview(bytearray(CHUNK_BYTES))
        for path in files:
            if self._is_stopped.is_set():
                return
            if self.n_bytes >= self._max_bytes:
                log.info("%d MB are read ahead; the memory to spare bears no more", self.n_bytes >> 20)
                break
            try:
                self._read_file(path, buffer)
            except OSError as error:
                log.debug("%s is not read ahead: %s", path, error)
        self._is_complete = not self._is_stopped.is_set()

    def _read_file(self, path: Path, buffer: memoryview) -> None:
        file = FileIO(path)
        try:
            for start, end in _stretches_of_data(file.fileno()):
                file.seek(start)
                for at in range(start, end, len(buffer)):
                    n_wanted = min(end - at, len(buffer), self._max_bytes - self.n_bytes)
                    if self._is_stopped.is_set() or not (n_read := file.readinto(buffer[:n_wanted])):
                        return
                    self.n_bytes += n_read
        finally:
            if path in self._locked:
                self._held.append(file)
            else:
                file.close()


def spare_bytes(cgroup: Path = CGROUP) -> int:
    """Return how much memory this process may still take: what the machine has available, or a container's rest."""
    available = int(psutil.virtual_memory().available)
    try:
        rest = int((cgroup / "memory.max").read_text()) - int((cgroup / "memory.current").read_text())
    except (OSError, ValueError):  # no container, or one without a limit
        return available
    return max(0, min(available, rest))


def _stretches_of_data(descriptor: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a file between its holes, as (start, end) in bytes; lseek(2), SEEK_DATA."""
    at, size = 0, os.fstat(descriptor).st_size
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
            at = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # this file system does not tell; ENXIO: nothing but a hole is left
                yield at, size
            return
        yield start, at
