"""A broker made of files: kombu's filesystem transport with messages that appear and vanish atomically.

It does not know Celery, nor what a message says. It serves the processes of one machine.

kombu's own ``_put`` fills a file that a consumer may already have moved away and read half (the consumer then stops on
a JSON error), and keeps one table of queues per exchange that two starting processes may read while it is empty.
"""

from __future__ import annotations

import json
import time
from operator import attrgetter
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem


class Channel(filesystem.Channel):
    """A channel whose messages are files ``<ns>-<uuid>.<queue>.msg``, oldest name first."""

    def _put(self, queue: str, payload: dict[str, Any], **_options: Any) -> None:  # type: ignore[override]
        path = Path(self.data_folder_out) / f"{time.time_ns():020d}-{uuid4().hex}.{queue}.msg"
        scratch = path.with_suffix(".part")
        try:
            scratch.write_text(json.dumps(payload))
            scratch.replace(path)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            raise ChannelError(f"cannot write {path}: {error}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002
        """Return the oldest message, at once; of several consumers the one that removes the file has it."""
        for path in sorted(Path(self.data_folder_in).glob(f"*.{queue}.msg"), key=attrgetter("name")):
            try:
                text = path.read_text()
                path.unlink()
                return json.loads(text)
            except (OSError, ValueError):
                continue  # taken by another consumer, or damaged by a power cut: either way there is nothing to do
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Keep no table: every queue is reached by its own name."""

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """Return the one binding there is: an exchange leads to the queue of its name, as Celery lays them out."""
        return [(exchange, "", exchange)]


class Transport(filesystem.Transport):
    """The transport to name as Celery's ``broker_transport``, with ``data_folder_in`` and ``_out`` as options."""

    Channel = Channel
