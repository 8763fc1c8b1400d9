"""Dispatch: sends the outbox's hints to the broker and returns stalled work to it.

The ledger is the truth; a hint that is lost or doubled changes only when work happens. It does not know the broker.
"""

from __future__ import annotations

import logging

from core.errors import TryAgain
from core.protocols import JobQueue
from core.stores import Ledger

log = logging.getLogger(__name__)

TASK_PREFIX = "kinograph."

QUEUES = ("plan", "index")
"""Consumed in turn, so that planning a new video never waits behind the hundreds of parts of a long one."""


def queue_of(task: str) -> str:
    """Return the queue of a task by its bare name.

    >>> queue_of("plan_video"), queue_of("index_part")
    ('plan', 'index')
    """
    return "index" if task == "index_part" else "plan"


def dispatch_outbox(ledger: Ledger, queue: JobQueue) -> None:
    """Send every unsent hint, oldest first. What could not be sent stays in the outbox."""
    for hint in ledger.take_outbox():
        try:
            queue.send(TASK_PREFIX + hint.task, *hint.args, queue=queue_of(hint.task))
        except TryAgain as error:
            log.warning("hints wait in the outbox: %s", error)
            return
        ledger.mark_sent([hint.id])
