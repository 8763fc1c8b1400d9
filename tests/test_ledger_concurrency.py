"""Several processes work on one ledger and are killed at random: every part is committed exactly once."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from adapters.sql_catalogue import SqlCatalogue
from core.errors import StaleLease
from core.records import NewVideo, PartState, Span
from tests.databases import database_url, drop_tables

N_PARTS = {"long": 90, "short": 30}
N_WORKERS = 3
N_KILLS = 12
LEASE_S = 2.0
DEADLINE_S = 90.0
"""Only ends a hanging test; the work takes about five seconds."""


def work(url: str, journal: Path, name: str) -> None:
    """Claim, renew and commit parts until killed; note each claim and each acknowledged commit in the journal."""
    catalogue = SqlCatalogue(url)
    with journal.open("a") as notes:
        while True:
            lease = catalogue.claim_part(name, lease_s=LEASE_S)
            if lease is None:
                time.sleep(0.01)
                continue
            print("claim", lease.video_id, lease.number, lease.fence, file=notes, flush=True)
            try:
                catalogue.renew(lease, lease_s=LEASE_S, stage="work", progress=0.5)
                time.sleep(random.random() * 0.02)
                catalogue.commit_part(lease, f"artifact {lease.fence}")
            except StaleLease:
                continue
            print("commit", lease.video_id, lease.number, lease.fence, file=notes, flush=True)


def plan(catalogue: SqlCatalogue) -> None:
    for video_id, n_parts in N_PARTS.items():
        catalogue.add_video(NewVideo(video_id, "t", video_id, "a.mp4", video_id, video_id, 1, 60.0 * n_parts))
        catalogue.plan_parts(video_id, [Span(60 * n, 60 * n + 60) for n in range(n_parts)])


def n_indexed(catalogue: SqlCatalogue) -> int:
    parts = [part for video_id in N_PARTS for part in catalogue.list_parts(video_id)]
    return sum(part.state is PartState.INDEXED for part in parts)


def disturb(catalogue: SqlCatalogue, url: str, journal: Path) -> None:
    """Run workers until all parts are indexed, and kill some of them on the way; every other death goes unnoticed."""
    context = multiprocessing.get_context("fork")
    chance = random.Random(7)
    names = iter(f"worker-{n}-" for n in range(1000))
    workers: dict[str, BaseProcess] = {}

    def start() -> None:
        name = next(names)
        workers[name] = context.Process(target=work, args=(url, journal, name), daemon=True)
        workers[name].start()

    for _ in range(N_WORKERS):
        start()
    n_killed = 0
    give_up_at = time.monotonic() + DEADLINE_S
    try:
        while n_indexed(catalogue) < sum(N_PARTS.values()):
            assert time.monotonic() < give_up_at, catalogue.list_parts("long")
            time.sleep(chance.uniform(0.02, 0.15))
            if n_killed < N_KILLS:
                name = chance.choice(sorted(workers))
                victim = workers.pop(name)
                victim.kill()
                victim.join()
                n_killed += 1
                if n_killed % 2:
                    catalogue.release_worker(name)
                start()
            catalogue.reap()
    finally:
        for process in workers.values():
            process.kill()
            process.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts its workers by fork, which this system lacks")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_workers_lose_and_double_nothing(kind: str, tmp_path: Path) -> None:
    url = database_url(kind, tmp_path)
    if kind == "postgres":
        drop_tables(url)
    journal = tmp_path / "journal"
    catalogue = SqlCatalogue.open(url)
    plan(catalogue)

    disturb(catalogue, url, journal)

    notes = [tuple(line.split()) for line in journal.read_text().splitlines()]
    claims = Counter(note[1:] for note in notes if note[0] == "claim")
    commits = Counter((video_id, number) for kind_, video_id, number, _ in notes if kind_ == "commit")
    fence_by_part = {
        (part.video_id, str(part.number)): (part.artifact_key or "").removeprefix("artifact ")
        for video_id in N_PARTS
        for part in catalogue.list_parts(video_id)
    }
    assert max(claims.values()) == 1, "a fence was given out twice"
    assert max(commits.values()) == 1, "a part was committed twice"
    assert len(commits) >= sum(N_PARTS.values()) - N_KILLS, "only a killed worker may not have noted its commit"
    for video_id, number, fence in claims:
        assert int(fence) <= int(fence_by_part[video_id, number]), "a stale fence was committed"
    assert len(catalogue.parts_to_publish(1000)) == sum(N_PARTS.values())
    catalogue.close()


def test_a_forked_child_uses_connections_of_its_own(tmp_path: Path) -> None:
    catalogue = SqlCatalogue.open(database_url("sqlite", tmp_path))
    catalogue.ping()
    child = multiprocessing.get_context("fork").Process(target=plan, args=(catalogue,))
    child.start()
    child.join(DEADLINE_S)
    assert child.exitcode == 0
    assert len(catalogue.list_parts("short")) == N_PARTS["short"]
    catalogue.close()
