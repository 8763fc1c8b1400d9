"""Hints travel from a sender to a real worker process through each real broker. It does not test the ledger."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu.connection import Connection

from adapters.jobs import CeleryJobQueue, make_celery
from core.errors import BadInput, TryAgain
from tests.servers import free_port, running_redis

ARRIVAL_TIMEOUT_S = 60.0


@pytest.fixture(params=["files", "redis"])
def broker_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The broker: None for files under the home folder, or a real Redis."""
    if request.param == "files":
        yield None
        return
    with running_redis() as url:
        yield url


@contextmanager
def running_worker(broker_url: str | None, home: Path, out: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.echo_worker", broker_url or "-", str(home), str(out)]
    with (home / "worker.log").open("ab") as log:
        worker = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=log, stderr=log)
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait(timeout=30)


@contextmanager
def open_queue(broker_url: str | None, home: Path) -> Iterator[CeleryJobQueue]:
    queue = CeleryJobQueue(make_celery(broker_url, home))
    yield queue
    queue.close()


def arrivals(out: Path, n_wanted: int, home: Path) -> list[str]:
    """Return what the tasks were called with, sorted, once that many have run."""
    deadline_s = time.monotonic() + ARRIVAL_TIMEOUT_S
    while time.monotonic() < deadline_s:
        done = sorted(file.read_text() for file in out.glob("*.done"))
        if len(done) >= n_wanted:
            return done
        time.sleep(0.02)
    raise AssertionError(f"only {done} arrived; the worker said:\n{(home / 'worker.log').read_text()}")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    out.mkdir()
    return home, out


def test_hints_reach_a_worker_from_either_queue(broker_url: str | None, folders: tuple[Path, Path]) -> None:
    home, out = folders
    with open_queue(broker_url, home) as queue:
        queue.send("kinograph.plan_video", "sent before the worker was there", queue="plan")
        with running_worker(broker_url, home, out):
            arrivals(out, 1, home)
            queue.send("kinograph.plan_video", "häuser", "2", queue="index")
            assert arrivals(out, 2, home) == ["häuser\n2", "sent before the worker was there"]


def test_a_killed_worker_leaves_the_other_hints_to_the_next(broker_url: str | None, folders: tuple[Path, Path]) -> None:
    home, out = folders
    with open_queue(broker_url, home) as queue:
        queue.send("kinograph.plan_video", "kill")
        with running_worker(broker_url, home, out) as worker:
            worker.wait(timeout=ARRIVAL_TIMEOUT_S)
        queue.send("kinograph.plan_video", "after")
        with running_worker(broker_url, home, out):
            assert "after" in arrivals(out, 1, home)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_an_unreachable_broker_means_try_again_soon(scheme: str, tmp_path: Path) -> None:
    with open_queue(f"{scheme}://127.0.0.1:{free_port()}//", tmp_path) as queue:
        started_s = time.monotonic()
        with pytest.raises(TryAgain, match="KINOGRAPH_BROKER_URL"):
            queue.send("kinograph.plan_video", "x")
        assert time.monotonic() - started_s < 30, "a sender must not wait for the broker"


def test_a_broker_folder_that_is_gone_means_try_again(tmp_path: Path) -> None:
    with open_queue(None, tmp_path) as queue:
        (tmp_path / "broker").rmdir()
        with pytest.raises(TryAgain):
            queue.send("kinograph.plan_video", "x")


def test_an_unknown_broker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="redis://"):
        make_celery("kafka://host", tmp_path)


class TestFileBroker:
    @contextmanager
    def channel(self, home: Path) -> Iterator[Any]:
        conf = make_celery(None, home).conf
        options = conf.broker_transport_options
        with Connection(  # type: ignore[no-untyped-call]
            "filesystem://", transport=conf.broker_transport, transport_options=options
        ) as connection:
            yield connection.channel()

    def test_each_message_goes_to_one_of_many_consumers(self, tmp_path: Path) -> None:
        with self.channel(tmp_path) as sender:
            for number in range(200):
                sender._put("index", {"number": number})

        def consume(_consumer: int) -> list[int]:
            taken: list[int] = []
            with self.channel(tmp_path) as channel:
                while True:
                    try:
                        taken.append(channel._get("index")["number"])
                    except Empty:
                        return taken

        with ThreadPoolExecutor(max_workers=4) as pool:
            shares = list(pool.map(consume, range(4)))
        assert sorted(number for share in shares for number in share) == list(range(200))
        for share in shares:
            assert share == sorted(share), "oldest first"
        assert list((tmp_path / "broker").iterdir()) == []

    def test_damaged_messages_are_dropped_and_queues_kept_apart(self, tmp_path: Path) -> None:
        with self.channel(tmp_path) as channel:
            (tmp_path / "broker" / "0-x.index.msg").write_text("")
            channel._put("plan", {"to": "plan"})
            channel._put("index", {"to": "index"})
            assert channel._get("index") == {"to": "index"}
            with pytest.raises(Empty):
                channel._get("index")
            assert channel._get("plan") == {"to": "plan"}
