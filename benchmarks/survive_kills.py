"""Kills workers and the API at random moments while clips are indexed, then compares with an undisturbed run.

    python -m benchmarks.survive_kills CLIP… [--kills 40] [--seed 1]

Ends with status 1 unless every video is ready and evidence, segments and points are equal, none of them twice. It reads
the stores of a stopped home directly; while the service runs it only speaks HTTP and sends SIGKILL.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from adapters import build
from api.cli_server import await_server, read_address
from api.client import error_of
from benchmarks import terminal
from benchmarks.terminal import run_benchmark
from core.settings import Settings
from evaluation.library import list_videos

PART_S = "15"
"""Short parts, so that three clips make many of them and kills fall into every stage."""
LEASE_S = "10"
PAUSE_S = (0.5, 20.0)
"""Between kills: from the middle of starting up to the middle of the second part after it."""


@dataclass(frozen=True)
class Kept:
    """What a home holds: every piece of evidence and segment by id, and the points of the index."""

    evidence: dict[str, tuple[Any, ...]]
    segments: dict[str, tuple[Any, ...]]
    n_points: int

    def __str__(self) -> str:
        return f"{len(self.evidence)} evidence, {len(self.segments)} segments, {self.n_points} points"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("clips", nargs="+", type=terminal.file)
    parser.add_argument("--kills", type=terminal.positive, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        calm = index_clips(options.clips, Path(folder) / "calm", n_kills=0, seed=options.seed)
        print(f"undisturbed: {calm}")
        hit = index_clips(options.clips, Path(folder) / "hit", n_kills=options.kills, seed=options.seed)
        print(
            f"{options.kills} kills: {len(hit.evidence)} evidence, {len(hit.segments)} segments, {hit.n_points} points"
        )
    problems = compare(calm, hit)
    for problem in problems:
        print(f"  {problem}")
    print("equal" if not problems else "DIFFERENT")
    return 1 if problems else 0


def compare(calm: Kept, hit: Kept) -> list[str]:
    """Return a sentence for each difference; video ids differ between homes, so titles stand for them."""
    problems = []
    for name, one, other in (("evidence", calm.evidence, hit.evidence), ("segments", calm.segments, hit.segments)):
        before, after = sorted(one.values()), sorted(other.values())
        problems += [f"{name}: lost {row}" for row in before if row not in after]
        problems += [f"{name}: new {row}" for row in after if row not in before]
        if len(before) != len(after):
            problems.append(f"{name}: {len(before)} became {len(after)}")
    if hit.n_points != len(hit.segments):
        problems.append(f"{hit.n_points} points for {len(hit.segments)} segments")
    return problems


def index_clips(clips: list[Path], home: Path, *, n_kills: int, seed: int) -> Kept:
    """Index the clips in a fresh home, killing a random process every few seconds, and return what is kept."""
    chance = random.Random(seed)
    home.mkdir()
    server = start(home)
    try:
        for clip in clips:
            upload(home, clip)
        kills_left = n_kills
        while not is_done(home, len(clips), is_patient=kills_left == 0):
            if kills_left == 0:
                time.sleep(0.5)
                continue
            time.sleep(chance.uniform(*PAUSE_S))
            kills_left -= 1
            server = kill_one(server, home, chance)
            print(f"  kill {n_kills - kills_left} of {n_kills}", file=sys.stderr)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    return read_home(home)


def start(home: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "KINOGRAPH_HOME": str(home), "KINOGRAPH_PART_S": PART_S, "KINOGRAPH_LEASE_S": LEASE_S}
    with (home / "serve.log").open("ab") as log:
        command = [sys.executable, "-m", "api.cli", "serve", "--port", "0"]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    if await_server(server, home, timeout_s=120) is None:
        raise SystemExit(f"the service did not start:\n{(home / 'serve.log').read_text()[-2000:]}")
    return server


def kill_one(server: subprocess.Popen[bytes], home: Path, chance: random.Random) -> subprocess.Popen[bytes]:
    """Kill the API or a worker (with what it spawned), and start the API again if it was hit."""
    workers = [
        child for child in psutil.Process(server.pid).children() if "indexer.worker" in " ".join(child.cmdline())
    ]
    if workers and chance.random() < 0.6:
        chance.choice(workers).kill()
        return server
    server.kill()
    server.wait()
    return start(home)


def client(home: Path) -> httpx.Client:
    address = read_address(home)
    assert address is not None
    return httpx.Client(base_url=address[0], timeout=60)


def upload(home: Path, clip: Path) -> None:
    with client(home) as http, clip.open("rb") as file:
        response = http.post("/v1/videos", files={"file": (clip.name, file)}, data={"title": clip.name})
    if response.is_error:
        raise error_of(response.status_code, response.json())


def is_done(home: Path, n_clips: int, *, is_patient: bool) -> bool:
    """Whether every video is ready; a failed one ends the run. Impatient callers never stop before their kills."""
    with client(home) as http:
        videos = http.get("/v1/videos").raise_for_status().json()["videos"]
    failed = [video for video in videos if video["status"] == "failed" or video.get("warnings")]
    if failed:
        raise SystemExit(f"not whole: {failed}")
    return is_patient and len(videos) == n_clips and all(video["status"] == "ready" for video in videos)


def read_home(home: Path) -> Kept:
    """Return what a stopped home holds."""
    settings = Settings(home=home)
    catalogue, index = build.build_catalogue(settings), build.build_index(settings)
    evidence: dict[str, tuple[Any, ...]] = {}
    segments: dict[str, tuple[Any, ...]] = {}
    for video in list_videos(catalogue):
        for item in catalogue.list_evidence(video.id):
            evidence[item.id] = (video.title, item.part, item.span, item.modality, item.text)
        for segment in catalogue.list_segments(video.id):
            n_evidence, n_keyframes = len(segment.evidence_ids), len(segment.keyframes)
            segments[segment.id] = (video.title, segment.part, segment.number, segment.span, n_evidence, n_keyframes)
    n_points = index.count()
    index.close()
    catalogue.close()
    return Kept(evidence, segments, n_points)


if __name__ == "__main__":
    run_benchmark(main)
