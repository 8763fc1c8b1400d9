"""The contract of ``core.stores.Ledger``: parts and leases, over SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters.sql_leases import MAX_INTERRUPTIONS
from adapters.sql_outbox import MAX_ATTEMPTS
from core.errors import NotFound
from core.records import (
    Failure,
    Lease,
    NewVideo,
    PartState,
    Span,
    VideoStatus,
)
from core.stores import Catalogue
from tests.contracts.steps import (
    FAILURE,
    LEASE_S,
    assert_stale,
    claim,
    finish,
    new_video,
    plan,
    publish,
    publish_all,
    speech,
    states,
    take_hints,
)
from tests.databases import Clock


class TestReopening:
    def test_a_finished_video_is_indexed_again_while_what_is_known_stays(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v"))
        published = publish(catalogue, "v", [speech("e", "v", 1, 2)])
        finish(catalogue, "v")
        take_hints(catalogue)

        assert catalogue.reopen_video("v").status is VideoStatus.INDEXING
        assert states(catalogue, "v") == [PartState.PENDING]
        assert take_hints(catalogue) == [("index_part", "v", "0")]
        assert [item.id for item in catalogue.list_evidence("v")] == ["e"]
        lease = claim(catalogue)
        assert (lease.earlier_artifact_key, lease.attempt) == (published.artifact_key, 1)

    def test_the_revision_changes_with_what_is_known_and_not_otherwise(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v"))
        assert catalogue.get_video("v").revision == 0
        publish(catalogue, "v", [speech("e", "v", 1, 2)])
        finish(catalogue, "v")
        catalogue.rename_video("v", "Another title")
        former = catalogue.get_video("v").revision
        assert former == 1
        assert catalogue.reopen_video("v").revision == former
        catalogue.commit_part(claim(catalogue), "again")
        publish_all(catalogue)
        finish(catalogue, "v")
        assert catalogue.get_video("v").revision > former

    def test_a_late_hint_does_not_finish_a_video_that_is_indexed_again(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v"))
        publish(catalogue, "v", [speech("e", "v", 1, 2)])
        finish(catalogue, "v")
        catalogue.reopen_video("v")
        finish(catalogue, "v")
        assert catalogue.get_video("v").status is VideoStatus.INDEXING
        lease = claim(catalogue)
        catalogue.commit_part(lease, "again")
        publish_all(catalogue)
        finish(catalogue, "v")
        assert catalogue.get_video("v").status is VideoStatus.READY

    def test_a_video_that_could_not_be_planned_is_planned_again(self, catalogue: Catalogue) -> None:
        catalogue.add_video(NewVideo("v", "t", "v", "a.mp4", "h", "k", 1, 120.0))
        take_hints(catalogue)
        catalogue.fail_video("v", FAILURE)
        assert catalogue.reopen_video("v").failure is None
        assert take_hints(catalogue) == [("plan_video", "v")]

    def test_a_video_in_hand_is_left_alone(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 1)
        lease = claim(catalogue)
        assert catalogue.reopen_video("v").status is VideoStatus.INDEXING
        catalogue.commit_part(lease, "key")

    def test_an_unknown_video_is_not_found(self, catalogue: Catalogue) -> None:
        with pytest.raises(NotFound):
            catalogue.reopen_video("unknown")


class TestPlanning:
    def test_parts_and_their_hints_appear_together_and_once(self, catalogue: Catalogue) -> None:
        catalogue.add_video(NewVideo("v", "t", "v", "a.mp4", "h", "k", 1, 120.0))
        assert take_hints(catalogue) == [("plan_video", "v")]
        for spans in ([Span(0, 60), Span(60, 120)], [Span(0, 120)]):
            catalogue.plan_parts("v", spans)

        assert [part.span for part in catalogue.list_parts("v")] == [Span(0, 60), Span(60, 120)]
        assert take_hints(catalogue) == [("index_part", "v", "0"), ("index_part", "v", "1")]
        assert (catalogue.get_video("v").status, catalogue.get_video("v").n_parts) == (VideoStatus.INDEXING, 2)

    def test_a_video_that_is_gone_is_not_planned(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 1)
        catalogue.begin_delete("v")
        catalogue.plan_parts("v", [Span(0, 60)])
        catalogue.plan_parts("unknown", [Span(0, 60)])
        assert catalogue.list_parts("unknown") == []

    def test_a_video_without_anything_to_index_is_finished(self, catalogue: Catalogue) -> None:
        catalogue.add_video(NewVideo("v", "t", "v", "a.mp4", "h", "k", 1, 0.01))
        take_hints(catalogue)
        catalogue.plan_parts("v", [])
        assert take_hints(catalogue) == [("finish_video", "v")]
        finish(catalogue, "v")
        assert catalogue.get_video("v").status is VideoStatus.READY


class TestClaiming:
    def test_a_claim_is_exclusive_and_complete(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 1)
        assert claim(catalogue, "w1") == Lease("v", 0, Span(0, 60), attempt=1, fence=1, worker="w1")
        assert catalogue.claim_part("w2", lease_s=LEASE_S) is None
        assert states(catalogue, "v") == [PartState.LEASED]

    def test_nothing_to_do_is_none(self, catalogue: Catalogue) -> None:
        assert catalogue.claim_part("w", lease_s=LEASE_S) is None

    def test_parts_go_out_in_order(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 3)
        assert [claim(catalogue).number for _ in range(3)] == [0, 1, 2]

    def test_the_older_of_two_videos_goes_first(self, catalogue: Catalogue, clock: Clock) -> None:
        for video_id in ("v2", "v1"):
            plan(catalogue, video_id, 1)
            clock.advance(1)
        assert [claim(catalogue).video_id for _ in range(2)] == ["v2", "v1"]

    def test_a_short_new_video_does_not_wait_for_a_long_one(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "long", 10)
        for _ in range(4):
            claim(catalogue)
        clock.advance(1)
        plan(catalogue, "short", 2)
        assert [claim(catalogue).video_id for _ in range(3)] == ["short", "short", "long"]

    def test_two_long_videos_take_turns(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "a", 3)
        clock.advance(1)
        plan(catalogue, "b", 3)
        assert [claim(catalogue).video_id for _ in range(6)] == ["a", "b", "a", "b", "a", "b"]

    def test_many_at_once_never_get_the_same_part(self, catalogue: Catalogue) -> None:
        plan(catalogue, "a", 20)
        plan(catalogue, "b", 5)
        with ThreadPoolExecutor(8) as pool:
            leases = list(pool.map(lambda n: catalogue.claim_part(f"w{n}", lease_s=LEASE_S), range(30)))
        claimed = [(lease.video_id, lease.number) for lease in leases if lease is not None]
        assert len(claimed) == len(set(claimed)) == 25

    @pytest.mark.parametrize("how", ["failed", "deleting"])
    def test_parts_of_a_video_nobody_wants_are_not_given_out(self, catalogue: Catalogue, how: str) -> None:
        plan(catalogue, "v", 2)
        lease = claim(catalogue)
        catalogue.fail_video("v", FAILURE) if how == "failed" else catalogue.begin_delete("v")

        assert catalogue.claim_part("w", lease_s=LEASE_S) is None
        assert_stale(catalogue, lease)


class TestLeases:
    def test_a_renewed_lease_lasts(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 1)
        lease = claim(catalogue)
        for _ in range(5):
            clock.advance(LEASE_S - 1)
            catalogue.renew(lease, lease_s=LEASE_S)
        assert catalogue.claim_part("other", lease_s=LEASE_S) is None
        catalogue.commit_part(lease, "artifact")

    def test_an_expired_lease_is_given_to_the_next_worker(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 1)
        late = claim(catalogue, "late")
        clock.advance(LEASE_S)
        lease = claim(catalogue, "next")

        assert (lease.attempt, lease.fence) == (2, late.fence + 1)
        assert_stale(catalogue, late)
        catalogue.commit_part(lease, "artifact")
        assert_stale(catalogue, late)
        assert_stale(catalogue, lease)
        assert [part.artifact_key for part in catalogue.list_parts("v")] == ["artifact"]

    def test_a_worker_that_was_only_slow_may_still_finish(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 1)
        lease = claim(catalogue)
        clock.advance(10 * LEASE_S)
        catalogue.renew(lease, lease_s=LEASE_S)
        clock.advance(10 * LEASE_S)
        catalogue.commit_part(lease, "artifact")
        assert states(catalogue, "v") == [PartState.INDEXED]

    def test_unknown_parts_are_stale(self, catalogue: Catalogue) -> None:
        assert_stale(catalogue, Lease("unknown", 0, Span(0, 60), 1, 1, "w"))

    def test_released_workers_lose_their_parts_at_once(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 3)
        leases = [claim(catalogue, worker) for worker in ("host_1-a", "host_1-b", "hostx1-c")]
        assert catalogue.release_worker("host_1-") == 2

        assert states(catalogue, "v") == [PartState.PENDING, PartState.PENDING, PartState.LEASED]
        assert take_hints(catalogue) == [("index_part", "v", "0"), ("index_part", "v", "1")]
        assert_stale(catalogue, leases[0])
        catalogue.renew(leases[2], lease_s=LEASE_S)
        assert catalogue.release_worker("host_1-") == 0

    def test_attempts_of_killed_workers_are_not_counted_for_long(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 1)
        for n in range(MAX_INTERRUPTIONS):
            lease = claim(catalogue)
            assert (lease.attempt, lease.fence) == (1, n + 1)
            catalogue.release_worker("worker")
        for attempt in range(1, MAX_ATTEMPTS + 1):
            assert claim(catalogue).attempt == attempt
            catalogue.release_worker("worker")
        assert catalogue.claim_part("worker", lease_s=LEASE_S) is None
        assert states(catalogue, "v") == [PartState.QUARANTINED]


class TestFailing:
    def test_a_part_is_tried_again_and_then_quarantined(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 1)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            lease = claim(catalogue)
            assert lease.attempt == attempt
            catalogue.fail_part(lease, FAILURE, is_final=False)
            is_last = attempt == MAX_ATTEMPTS
            assert take_hints(catalogue) == [("finish_video", "v") if is_last else ("index_part", "v", "0")]

        (part,) = catalogue.list_parts("v")
        assert (part.state, part.failure) == (PartState.QUARANTINED, FAILURE)
        assert catalogue.claim_part("w", lease_s=LEASE_S) is None

    def test_a_part_whose_workers_die_is_quarantined_by_the_next_claim(
        self, catalogue: Catalogue, clock: Clock
    ) -> None:
        plan(catalogue, "v", 2)
        for _ in range(MAX_ATTEMPTS):
            catalogue.renew(claim(catalogue), lease_s=LEASE_S, stage="speech")
            clock.advance(LEASE_S)
        assert claim(catalogue).number == 1

        part = catalogue.list_parts("v")[0]
        assert part.state is PartState.QUARANTINED
        assert part.failure is not None
        assert part.failure.stage == "speech"
        assert "died 3 times" in part.failure.reason

    @pytest.mark.parametrize("by", ["claim", "reap"])
    def test_the_last_part_to_be_quarantined_finishes_the_video(
        self, catalogue: Catalogue, clock: Clock, by: str
    ) -> None:
        plan(catalogue, "v", 1)
        for _ in range(MAX_ATTEMPTS):
            claim(catalogue)
            clock.advance(LEASE_S)
        catalogue.claim_part("w", lease_s=LEASE_S) if by == "claim" else catalogue.reap()
        assert take_hints(catalogue) == [("finish_video", "v")]

    def test_a_final_failure_is_not_tried_again(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 1)
        catalogue.fail_part(claim(catalogue), FAILURE, is_final=True)
        assert states(catalogue, "v") == [PartState.FAILED]
        assert take_hints(catalogue) == [("finish_video", "v")]

    def test_a_video_with_some_failed_parts_is_ready_with_warnings(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 2)
        catalogue.commit_part(claim(catalogue), "artifact", warnings=["The sound stops at 12 s."])
        catalogue.fail_part(claim(catalogue), FAILURE, is_final=True)
        assert take_hints(catalogue) == []
        publish_all(catalogue)
        assert take_hints(catalogue) == [("finish_video", "v")]
        finish(catalogue, "v")

        video = catalogue.get_video("v")
        assert (video.status, video.failure, video.n_parts_published) == (VideoStatus.READY, None, 1)
        assert video.warnings == (
            "The sound stops at 12 s.",
            "Part 1 (60–120 s) could not be indexed: the model ran out of memory",
        )

    def test_a_video_whose_parts_all_failed_has_failed(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 2)
        catalogue.fail_part(claim(catalogue), FAILURE, is_final=True)
        catalogue.fail_part(claim(catalogue), Failure("decode", "later"), is_final=True)
        assert catalogue.get_video("v").status is VideoStatus.INDEXING
        finish(catalogue, "v")

        video = catalogue.get_video("v")
        assert (video.status, video.failure, video.stage) == (VideoStatus.FAILED, FAILURE, "speech")

    def test_success_clears_the_failures_before_it(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 1)
        catalogue.fail_part(claim(catalogue), FAILURE, is_final=False)
        catalogue.commit_part(claim(catalogue), "artifact")
        assert catalogue.list_parts("v")[0].failure is None
        assert catalogue.get_video("v").warnings == ()


class TestProgress:
    def test_progress_is_the_mean_over_parts_and_never_falls(self, catalogue: Catalogue, clock: Clock) -> None:
        plan(catalogue, "v", 4)
        seen = [catalogue.get_video("v").progress]

        def look() -> None:
            seen.append(catalogue.get_video("v").progress)

        lease = claim(catalogue)
        catalogue.renew(lease, lease_s=LEASE_S, stage="speech", progress=0.5)
        look()
        assert seen[-1] == pytest.approx(0.125)
        clock.advance(LEASE_S)
        again = claim(catalogue)
        look()
        catalogue.renew(again, lease_s=LEASE_S, stage="decode", progress=0.1)
        look()
        catalogue.commit_part(again, "artifact")
        look()
        publish_all(catalogue)
        look()
        assert seen[-1] == pytest.approx(0.25)
        catalogue.renew(claim(catalogue), lease_s=LEASE_S, progress=7.0)
        catalogue.fail_part(claim(catalogue), FAILURE, is_final=True)
        look()
        assert seen[-1] == pytest.approx(0.75)
        assert seen == sorted(seen)

    def test_the_stage_is_that_of_the_first_part_at_work(self, catalogue: Catalogue) -> None:
        plan(catalogue, "v", 2)
        assert catalogue.get_video("v").stage == "waiting"
        first, second = claim(catalogue), claim(catalogue)
        catalogue.renew(second, lease_s=LEASE_S, stage="decode", progress=0.1)
        catalogue.renew(first, lease_s=LEASE_S, stage="speech", progress=0.3)
        catalogue.renew(first, lease_s=LEASE_S, progress=0.4)
        assert catalogue.get_video("v").stage == "speech"
        catalogue.commit_part(first, "a")
        assert catalogue.get_video("v").stage == "decode"
        catalogue.commit_part(second, "b")
        assert catalogue.get_video("v").stage == "publishing"
        publish_all(catalogue)
        assert catalogue.get_video("v").stage == "finishing"
        assert (catalogue.get_video("v").progress, catalogue.get_video("v").n_parts_published) == (1.0, 2)
