"""The contract of ``core.stores.Ledger``: publication, hints and the reaper, over SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.sql_outbox import REHINT_AFTER_S, REHINT_AT_MOST_EVERY_S, SENT_KEPT_S
from core.records import (
    NewVideo,
    PartState,
    Span,
)
from core.stores import Catalogue
from tests.contracts.steps import (
    FAILURE,
    LEASE_S,
    claim,
    finish,
    plan,
    publish_all,
    states,
    take_hints,
)
from tests.databases import Clock


class TestPublishing:
    def test_indexed_parts_are_published_oldest_first(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 3)
        leases = [claim(catalogue) for _ in range(3)]
        for number in (2, 0, 1):
            catalogue.commit_part(leases[number], f"artifact {number}")
            clock.advance(1)
        parts = catalogue.parts_to_publish(2)
        assert [(part.number, part.artifact_key) for part in parts] == [(2, "artifact 2"), (0, "artifact 0")]
        publish_all(catalogue)
        assert catalogue.parts_to_publish() == []

    def test_only_the_last_part_announces_the_end_and_only_once(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 20)
        for _ in range(20):
            catalogue.commit_part(claim(catalogue), "artifact")
        parts = catalogue.parts_to_publish(20)
        with ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda part: catalogue.publish_part(part, [], []), parts + parts))
        assert all(done)
        assert take_hints(catalogue) == [("finish_video", "v")]


class TestOutbox:
    def test_hints_wait_until_they_are_sent(self, catalogue: Catalogue) -> None:
        catalogue.add_video(NewVideo("v", "t", "v", "a.mp4", "h", "k", 1, 60.0))
        catalogue.plan_parts("v", [Span(0, 60)])
        first, second = catalogue.take_outbox()
        assert [hint.id for hint in catalogue.take_outbox(1)] == [first.id]
        catalogue.mark_sent([first.id])
        assert catalogue.take_outbox() == [second]
        catalogue.mark_sent([])

    @pytest.mark.parametrize("stalled", ["unplanned", "pending", "unfinished"])
    def test_lost_hints_are_repeated_with_growing_patience(
        self, catalogue: Catalogue, clock: Clock, stalled: str
    ) -> None:
        expected: list[tuple[str, ...]] = [("plan_video", "v")]
        if stalled == "unplanned":
            catalogue.add_video(NewVideo("v", "t", "v", "a.mp4", "h", "k", 1, 60.0))
        elif stalled == "pending":
            plan(catalogue, "v", 2)
            expected = [("index_part", "v", "0"), ("index_part", "v", "1")]
        else:
            plan(catalogue, "v", 1)
            catalogue.commit_part(claim(catalogue), "artifact")
            publish_all(catalogue)
            expected = [("finish_video", "v")]
        take_hints(catalogue)

        pauses: list[float] = []
        since_s = clock.now_s
        while len(pauses) < 9:
            n_hints = catalogue.reap()
            assert take_hints(catalogue) == (expected if n_hints else [])
            if n_hints:
                pauses.append(clock.now_s - since_s)
                since_s = clock.now_s
            clock.advance(REHINT_AFTER_S)
        assert pauses == [10, 20, 40, 80, 160, 320, 640, 640, REHINT_AT_MOST_EVERY_S]

    def test_nothing_is_repeated_while_the_video_moves(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 3)
        lease = claim(catalogue)
        for _ in range(10):
            clock.advance(REHINT_AFTER_S)
            catalogue.renew(lease, lease_s=LEASE_S)
            assert catalogue.reap() == 0
        catalogue.commit_part(lease, "artifact")
        assert catalogue.reap() == 0
        clock.advance(REHINT_AFTER_S)
        assert catalogue.reap() == 2

    def test_parts_that_wait_behind_another_video_are_not_repeated(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "first", 1)
        plan(catalogue, "second", 40)
        catalogue.add_video(NewVideo("unplanned", "t", "unplanned", "a.mp4", "h", "k", 1, 60.0))
        take_hints(catalogue)
        lease = claim(catalogue)
        clock.advance(REHINT_AT_MOST_EVERY_S)
        catalogue.renew(lease, lease_s=LEASE_S)
        assert (catalogue.reap(), take_hints(catalogue)) == (1, [("plan_video", "unplanned")])
        catalogue.commit_part(lease, "artifact")
        publish_all(catalogue)
        take_hints(catalogue)
        assert catalogue.reap() == 0, "the worker may be on its way to the next part"
        clock.advance(REHINT_AFTER_S)
        catalogue.reap()
        assert len([hint for hint in take_hints(catalogue) if hint[:2] == ("index_part", "second")]) == 40

    def test_nothing_is_repeated_while_its_hint_waits_for_the_broker(self, catalogue: Catalogue, clock: Clock) -> None:
        catalogue.add_video(NewVideo("v", "t", "v", "a.mp4", "h", "k", 1, 60.0))
        for _ in range(5):
            clock.advance(REHINT_AT_MOST_EVERY_S)
            assert catalogue.reap() == 0
        assert take_hints(catalogue) == [("plan_video", "v")]
        assert catalogue.reap() == 1

    def test_a_part_whose_publisher_died_calls_a_worker(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 2)
        for _ in range(2):
            catalogue.commit_part(claim(catalogue), "artifact")
        assert catalogue.reap() == 0
        clock.advance(REHINT_AFTER_S)
        assert catalogue.reap() == 1
        assert take_hints(catalogue) == [("index_part", "v", "0")]

    def test_expired_leases_are_hinted_at_once(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 2)
        claim(catalogue)
        claim(catalogue)
        clock.advance(LEASE_S)
        assert catalogue.reap() == 2
        assert states(catalogue, "v") == [PartState.PENDING] * 2
        assert take_hints(catalogue) == [("index_part", "v", "0"), ("index_part", "v", "1")]
        assert catalogue.reap() == 0

    @pytest.mark.parametrize("end", ["ready", "failed", "deleting"])
    def test_a_video_that_has_ended_is_never_hinted(self, catalogue: Catalogue, clock: Clock, end: str) -> None:
        plan(catalogue, "v", 1)
        if end == "ready":
            catalogue.commit_part(claim(catalogue), "artifact")
            publish_all(catalogue)
            finish(catalogue, "v")
        else:
            claim(catalogue)
            catalogue.fail_video("v", FAILURE) if end == "failed" else catalogue.begin_delete("v")
        take_hints(catalogue)
        clock.advance(3600)
        assert (catalogue.reap(), take_hints(catalogue)) == (0, [])

    def test_sent_hints_are_forgotten_after_a_while(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 1)
        catalogue.commit_part(claim(catalogue), "artifact")
        publish_all(catalogue)
        (hint,) = catalogue.take_outbox()
        clock.advance(SENT_KEPT_S + 1)
        catalogue.reap()
        assert catalogue.take_outbox() == [hint]
