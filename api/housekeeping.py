"""The background of the API process: sends hints, returns stalled work, publishes finished parts, tends workers.

It does not know HTTP, nor what a worker does.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from core.dispatch import dispatch_outbox
from core.errors import KinographError
from core.protocols import JobQueue
from core.publication import publish_ready_parts
from core.stores import Catalogue, MediaStore, SegmentIndex
from core.workers import PARENT_PID_VARIABLE, worker_prefix

log = logging.getLogger(__name__)

REAP_EVERY_S = 5.0
POLL_S = 0.25
"""How long a finished part may wait to be published; a claim-free SELECT costs well under a millisecond."""

RESTART_PAUSE_S = 1.0


class Loop:
    """A daemon thread that runs a step again and again, sooner when woken; an error of ours is logged, not fatal."""

    def __init__(self, name: str, step: Callable[[], None], *, every_s: float) -> None:
        self._step = step
        self._every_s = every_s
        self._wake = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        """End the loop after its current step."""
        self._is_over.set()
        self._wake.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                self._step()
            except KinographError as error:
                log.warning("%s: %s", self._thread.name, error)
            except Exception:
                # A loop that dies silently would stop all indexing; the next round may well succeed.
                log.exception("%s failed", self._thread.name)
            self._wake.wait(self._every_s)
            self._wake.clear()


def dispatch_loop(catalogue: Catalogue, queue: JobQueue) -> Loop:
    """Return the loop that sends the outbox and reaps stalled work."""
    last_reap_s = -REAP_EVERY_S

    def step() -> None:
        nonlocal last_reap_s
        if time.monotonic() - last_reap_s >= REAP_EVERY_S:
            last_reap_s = time.monotonic()
            catalogue.reap()
        dispatch_outbox(catalogue, queue)

    return Loop("dispatch", step, every_s=POLL_S)


def publish_loop(catalogue: Catalogue, index: SegmentIndex, media: MediaStore, *, every_s: float = POLL_S) -> Loop:
    """Return the loop that publishes finished parts."""

    def step() -> None:
        publish_ready_parts(catalogue, index, media)

    return Loop("publish", step, every_s=every_s)


class WorkerPool:
    """The child workers of an embedded service: one that dies is replaced and its leases are released at once."""

    def __init__(self, catalogue: Catalogue, n_workers: int) -> None:
        self._catalogue = catalogue
        self._n_workers = n_workers
        self._children: list[subprocess.Popen[bytes]] = []
        self._loop = Loop("workers", self._tend, every_s=0.5)

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """Ask the workers to stop and end them if they do not; a part in progress is indexed again next time."""
        self._loop.stop()
        for child in self._children:
            child.send_signal(signal.SIGTERM)
        deadline_s = time.monotonic() + 3.0
        for child in self._children:
            try:
                child.wait(timeout=max(0.1, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            self._catalogue.release_worker(worker_prefix(child.pid))

    def _tend(self) -> None:
        for child in [child for child in self._children if child.poll() is not None]:
            self._children.remove(child)
            n_released = self._catalogue.release_worker(worker_prefix(child.pid))
            log.warning("worker %d ended (status %s); %d parts go back", child.pid, child.returncode, n_released)
            self._catalogue.reap()
            time.sleep(RESTART_PAUSE_S)
        while len(self._children) < self._n_workers:
            environment = {**os.environ, PARENT_PID_VARIABLE: str(os.getpid())}
            self._children.append(subprocess.Popen([sys.executable, "-m", "indexer.worker"], env=environment))
