"""The job queue on Celery: files on one machine, Redis or RabbitMQ on many; it carries hints, the ledger is the truth.

It does not know what a task does, nor which tasks exist.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import celery
from kombu.exceptions import KombuError, OperationalError

from core.errors import BadInput, TryAgain

POLLING_INTERVAL_S = 0.05
"""How often a worker looks for message files; kombu's default of 1 s would be most of the wait for a first result."""

VISIBILITY_TIMEOUT_S = 600
"""Redis hands a task to a second worker after this long. Tasks are one part, a minute or so; a doubled one finds the
part leased and ends. Hints of a killed worker come back earlier, through the reaper."""

CONNECT_TIMEOUT_S = 3

PROC_ALIVE_TIMEOUT_S = 120
"""A pool child that has not come up by then is replaced; importing torch on a busy machine takes tens of seconds."""

_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
"""A sender does not wait for a broker: the hint stays in the outbox and goes out later."""


def make_celery(broker_url: str | None, home: Path) -> celery.Celery:
    """Return an app without tasks; ``broker_url`` None keeps the messages in ``home/broker``.

    Raises:
        BadInput: the URL names a broker we do not know.
    """
    app = celery.Celery("kinograph", set_as_current=False)
    app.conf.update(_COMMON)
    app.conf.update(_embedded_broker(home) if broker_url is None else _remote_broker(broker_url))
    return app


class CeleryJobQueue:
    """A ``JobQueue`` that sends by task name; safe to share between threads."""

    def __init__(self, app: celery.Celery) -> None:
        self._app = app

    def send(self, task: str, *args: str, queue: str = "index") -> None:
        try:
            self._app.send_task(task, args=args, queue=queue, ignore_result=True, retry=False)
        except (OperationalError, KombuError, OSError) as error:
            remedy = "Start the broker or check KINOGRAPH_BROKER_URL; nothing is lost meanwhile."
            raise TryAgain(f"the broker does not answer ({error})", remedy=remedy) from error

    def close(self) -> None:
        """Close the connections; a later ``send`` opens new ones."""
        self._app.close()


_COMMON: dict[str, Any] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_ignore_result": True,
    "task_default_queue": "index",
    # A message is dropped only when its task is done; poison is counted and quarantined by the ledger, not here.
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    "worker_cancel_long_running_tasks_on_connection_loss": True,
    "worker_proc_alive_timeout": PROC_ALIVE_TIMEOUT_S,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_connection_timeout": CONNECT_TIMEOUT_S,
    "task_publish_retry": False,
}


def _embedded_broker(home: Path) -> dict[str, Any]:
    folder = home / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://",
        "broker_transport": "adapters.file_broker:Transport",
        "broker_transport_options": {
            "data_folder_in": str(folder),
            "data_folder_out": str(folder),
            "polling_interval": POLLING_INTERVAL_S,
        },
    }


def _remote_broker(url: str) -> dict[str, Any]:
    scheme = url.partition("://")[0]
    if scheme in ("redis", "rediss"):
        options: dict[str, Any] = {
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "global_keyprefix": "kinograph:",
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_keepalive": True,
            "health_check_interval": 25,
        }
    elif scheme in ("amqp", "amqps"):
        options = {}
    else:
        remedy = "Use redis://, rediss://, amqp:// or amqps://, or none for the embedded one."
        raise BadInput(f"KINOGRAPH_BROKER_URL names an unknown broker: {scheme}://", remedy=remedy)
    return {"broker_url": url, "broker_transport_options": options | _RETRY}
