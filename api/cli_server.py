"""Finds the server a command speaks to: the one named, the one live on this home, or one started for the duration.

It does not know what is said to the server, nor how it works inside.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from core.errors import KinographError, TryAgain
from core.settings import Settings

START_TIMEOUT_S = 60.0
"""A cold start takes about 3 s; a slow disk and a migration may add to it."""
STOP_TIMEOUT_S = 20.0
HEALTH_TIMEOUT_S = 2.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Server:
    """Where the API answers; ``is_ours`` when it was started for this command and ends with it."""

    url: str
    is_ours: bool = False


def find_server(settings: Settings) -> Server | None:
    """Return the server named by KINOGRAPH_URL (unchecked), else the one live on this home, else None."""
    if settings.url:
        return Server(settings.url)
    address = read_address(settings.home)
    return Server(address[0]) if address and is_alive(address[0]) else None


@contextmanager
def reach_server(settings: Settings, *, n_workers: int | None = None) -> Iterator[Server]:
    """Yield a server that answers; one that has to be started is stopped again at the end.

    ``n_workers`` 0 spares a started server its workers, for commands that index nothing.

    Raises:
        TryAgain: the server did not start.
    """
    found = find_server(settings)
    if found:
        yield found
        return
    with _started_server(settings.home, n_workers) as url:
        yield Server(url, is_ours=True)


def read_address(home: Path) -> tuple[str, int] | None:
    """Return url and pid of the server that last announced itself on this home, or None."""
    try:
        announced = json.loads((home / "server.json").read_text())
        return str(announced["url"]), int(announced["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_alive(url: str) -> bool:
    """Whether a Kinograph answers there."""
    try:
        response = httpx.get(f"{url}/healthz", timeout=HEALTH_TIMEOUT_S)
        return response.status_code == httpx.codes.OK and response.json().get("status") == "ok"
    except (httpx.HTTPError, ValueError, AttributeError):
        return False


@contextmanager
def _started_server(home: Path, n_workers: int | None) -> Iterator[str]:
    """Run ``kinograph serve`` as a child with its log in a file that is shown only if it fails.

    The child gets a session of its own, so that Ctrl-C reaches this process alone and the child ends in order.
    """
    environment = dict(os.environ)
    if n_workers is not None:
        environment["KINOGRAPH_WORKERS"] = str(n_workers)
    command = [sys.executable, "-m", "api.cli", "serve", "--host", "127.0.0.1", "--port", "0"]
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield _wait_until_ready(child, home, log.fileno())
        finally:
            stop_server(child)


def await_server(child: subprocess.Popen[bytes], home: Path, *, timeout_s: float) -> str | None:
    """Return the url once the child answers on this home; None when it ended or the time is up."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s and child.poll() is None:
        address = read_address(home)
        if address and address[1] == child.pid and is_alive(address[0]):
            return address[0]
        time.sleep(POLL_S)
    return None


def _wait_until_ready(child: subprocess.Popen[bytes], home: Path, log_fd: int) -> str:
    """Return the url once the child answers, or that of another server that was faster to take this home."""
    url = await_server(child, home, timeout_s=START_TIMEOUT_S)
    if url is not None:
        return url
    if child.poll() is None:
        raise _failed_start(f"the server did not answer within {START_TIMEOUT_S:.0f} s", log_fd)
    address = read_address(home)
    if address and is_alive(address[0]):
        return address[0]
    raise _failed_start(f"the server ended with status {child.returncode}", log_fd)


def _failed_start(reason: str, log_fd: int) -> KinographError:
    size = os.fstat(log_fd).st_size
    lines = os.pread(log_fd, 4000, max(0, size - 4000)).decode(errors="replace").strip().splitlines()
    said = f": {lines[-1]}" if lines else ""
    return TryAgain(f"{reason}{said}", remedy="Run `kinograph doctor`, or `kinograph serve` to see its log.")


def stop_server(child: subprocess.Popen[bytes]) -> None:
    """Ask a server that was started here to end, and end it if it does not."""
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
