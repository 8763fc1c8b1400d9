"""Keeping a lease alive: a thread renews it while the part is being indexed, whatever the models are busy with.

It does not know what the work is.
"""

from __future__ import annotations

import logging
import threading
from types import TracebackType

from core.errors import KinographError, StaleLease
from core.records import Lease
from core.stores import Ledger

log = logging.getLogger(__name__)


class LeaseKeeper:
    """A context manager that renews a lease every third of its length and carries progress to the ledger."""

    def __init__(self, ledger: Ledger, lease: Lease, *, lease_s: float) -> None:
        self._ledger = ledger
        self._lease = lease
        self._lease_s = lease_s
        self._progress = ("decode", 0.0)
        self._is_stale = threading.Event()
        self._wake = threading.Event()
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def report(self, stage: str, progress: float) -> None:
        """Record where the work stands.

        Raises:
            StaleLease: the part was given to another worker or its video was deleted; stop working on it.
        """
        self._progress = (stage, progress)
        self._wake.set()
        if self._is_stale.is_set():
            raise StaleLease(f"part {self._lease.number} of {self._lease.video_id} is no longer ours")

    def __enter__(self) -> LeaseKeeper:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_done.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_done.is_set():
            self._wake.wait(timeout=self._lease_s / 3)
            self._wake.clear()
            if self._is_done.is_set():
                return
            stage, progress = self._progress
            try:
                self._ledger.renew(self._lease, lease_s=self._lease_s, stage=stage, progress=progress)
            except StaleLease:
                self._is_stale.set()
                return
            except KinographError as error:
                # The database is away: keep working, the commit decides whether the lease survived.
                log.warning("could not renew the lease: %s", error)
