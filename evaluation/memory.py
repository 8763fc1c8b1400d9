"""Watches how much memory a process and its children use while something runs.

It does not know what the processes do; it tells them apart by the module they run.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise
from types import TracebackType
from typing import Self

import psutil

SAMPLE_S = 0.25
"""Models are loaded in seconds and parts take longer, so peaks are not missed by much."""


class MemoryMeter:
    """Samples resident memory of a process tree from a thread; a context manager.

    ``peak_bytes`` maps the module a process runs (``api.cli``, ``indexer.worker``, …) to the highest resident size of
    any one such process; ``peak_total_bytes`` is the highest sum over the tree at one instant (shared pages count
    once a process). Children that live shorter than SAMPLE_S may be missed.
    """

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self.peak_bytes: dict[str, int] = {}
        self.peak_total_bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_done.wait(SAMPLE_S):
            self._sample()

    def _sample(self) -> None:
        total_bytes = 0
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                size_bytes, name = int(process.memory_info().rss), name_process(process.cmdline())
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            if size_bytes:  # an ended child that nobody waited for yet has neither memory nor a command line
                self.peak_bytes[name] = max(size_bytes, self.peak_bytes.get(name, 0))
            total_bytes += size_bytes
        self.peak_total_bytes = max(self.peak_total_bytes, total_bytes)


def name_process(command: Sequence[str]) -> str:
    """Return what a command line runs: its module, else its program.

    >>> name_process(["/usr/bin/python3", "-m", "indexer.worker"]), name_process(["/usr/bin/ffmpeg", "-i", "x"])
    ('indexer.worker', 'ffmpeg')
    """
    for flag, module in pairwise(command):
        if flag == "-m":
            return module
    return command[0].rsplit("/", 1)[-1] if command else "unknown"
