"""docker-compose.yml: it parses, its settings exist, and each of our commands starts natively with them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from api.cli_server import is_alive, read_address
from core.settings import Settings
from tests.servers import running_redis

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}


def test_every_concern_of_the_cluster_has_its_server() -> None:
    assert set(COMPOSE["services"]) == {"api", "worker", "redis", "qdrant", "postgres"}
    assert set(OURS) == {"api", "worker"}


def test_every_setting_is_one_we_read() -> None:
    known = {f"KINOGRAPH_{name}".upper() for name in Settings.model_fields}
    for service in OURS.values():
        assert set(service["environment"]) <= known


def test_what_is_served_without_a_key_is_published_to_this_machine_alone() -> None:
    for service in OURS.values():
        is_published_here = all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert is_published_here or "KINOGRAPH_ALLOW_NO_KEY" not in service["environment"]


def test_every_named_volume_and_dependency_exists() -> None:
    volumes = {v.split(":")[0] for service in COMPOSE["services"].values() for v in service.get("volumes", [])}
    assert volumes == set(COMPOSE["volumes"])
    assert all(set(service.get("depends_on", {})) <= set(COMPOSE["services"]) for service in OURS.values())


def test_the_image_copies_every_room_it_installs() -> None:
    copied = set(re.findall(r"^COPY (\w+) \w+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    packages = re.search(r"^packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert packages is not None
    assert copied == {name.split(".")[0] for name in re.findall(r'"([\w.]+)"', packages.group(1))}


@pytest.mark.models
def test_api_and_worker_start_with_a_real_broker(tmp_path: Path) -> None:
    """The commands of the file on this machine, with Redis as broker; stores without a server here are embedded."""
    with running_redis() as redis_url:
        environment = {**os.environ, "KINOGRAPH_HOME": str(tmp_path), "KINOGRAPH_BROKER_URL": redis_url}
        api_log, worker_log = tmp_path / "api.log", tmp_path / "worker.log"
        api = start(OURS["api"]["command"], environment, api_log, port="0")
        worker = start(OURS["worker"]["command"], environment, worker_log)
        try:
            wait_until(lambda: (address := read_address(tmp_path)) is not None and is_alive(address[0]), api, api_log)
            wait_until(lambda: "ready." in log_of(tmp_path, "worker"), worker, worker_log)
        finally:
            for process in (worker, api):
                process.terminate()
            for process in (worker, api):
                process.wait(timeout=30)


def log_of(home: Path, name: str) -> str:
    path = home / "logs" / f"{name}.log"
    return path.read_text() if path.exists() else ""


def start(
    command: list[str], environment: dict[str, str], log: Path, port: str | None = None
) -> subprocess.Popen[bytes]:
    assert command[0] == "kinograph"
    words = ["127.0.0.1" if word == "0.0.0.0" else port if word == "8765" and port else word for word in command[1:]]
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "api.cli", *words], env=environment, stdout=output, stderr=output
        )


def wait_until(holds, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + 90
    while not holds():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        time.sleep(0.1)
