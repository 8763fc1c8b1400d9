"""The ledger of parts: planned, claimed, renewed, committed, given back — each in one atomic statement.

It does not know what a worker does with a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, case, exists, func, insert, null, select, update

from adapters.sql_engine import SqlStore
from adapters.sql_outbox import (
    MAX_ATTEMPTS,
    announce,
    announce_finish_if_done,
    announce_part,
    failure_row,
    is_part_wanted,
    quarantine,
    rest_reaper,
)
from adapters.sql_schema import IS_OPEN, parts, videos
from adapters.sql_status import read_videos
from core.errors import NotFound, StaleLease
from core.records import Failure, Lease, Part, PartState, Span, Video

COMMITTED_PROGRESS = 0.95
"""What is left of a part once its artifact stands: publishing, well under a second."""

MAX_INTERRUPTIONS = 20
"""Attempts that ended because their worker was stopped are not held against the part, up to so many of them: a machine
that restarts must not use up a part's attempts, and a part that kills its worker each time must still end."""


class SqlLeases(SqlStore):
    """The ledger's parts and leases."""

    def plan_parts(self, video_id: str, spans: Sequence[Span]) -> None:
        """Create the pending parts; a video that is gone or already planned is left as it is."""
        now = self._now()
        with self._db.write() as connection:
            unplanned = select(videos.c.id).where(
                videos.c.id == video_id, videos.c.n_parts.is_(None), videos.c.deleting_at.is_(None)
            )
            if connection.execute(unplanned.with_for_update(key_share=True)).first() is None:
                return
            connection.execute(update(videos).where(videos.c.id == video_id).values(n_parts=len(spans)))
            if spans:
                rows = [_new_part_row(video_id, number, span) for number, span in enumerate(spans)]
                connection.execute(insert(parts), rows)
                announce(connection, video_id, "index_part", [(video_id, str(n)) for n in range(len(spans))], now)
            else:
                announce_finish_if_done(connection, video_id, now)

    def reopen_video(self, video_id: str) -> Video:
        """Make all parts of a video pending that has no work left; their artifacts stand until they are replaced."""
        now = self._now()
        is_finished = videos.c.finished_at.is_not(None) | videos.c.failure.is_not(null())
        reopened = (
            update(videos)
            .where(videos.c.id == video_id, videos.c.deleting_at.is_(None), is_finished)
            .values(finished_at=None, failure=None)
            .returning(videos.c.n_parts)
        )
        with self._db.write() as connection:
            if (row := connection.execute(reopened).first()) is not None:
                pending = update(parts).where(parts.c.video_id == video_id).values(_PENDING).returning(parts.c.number)
                numbers = sorted(connection.execute(pending).scalars())
                if row.n_parts is None:
                    announce(connection, video_id, "plan_video", [(video_id,)], now)
                elif numbers:
                    announce(connection, video_id, "index_part", [(video_id, str(n)) for n in numbers], now)
                else:
                    announce_finish_if_done(connection, video_id, now)
            found = connection.execute(
                select(videos).where(videos.c.id == video_id, videos.c.deleting_at.is_(None))
            ).all()
            if not found:
                raise NotFound(f"there is no video {video_id}")
            return read_videos(connection, found)[0]

    def list_parts(self, video_id: str) -> list[Part]:
        with self._db.read() as connection:
            rows = connection.execute(select(parts).where(parts.c.video_id == video_id).order_by(parts.c.number))
            return [part_of(row) for row in rows]

    def claim_part(self, worker: str, *, lease_s: float) -> Lease | None:
        now = self._now()
        with self._db.write() as connection:
            # One claim at a time, a few milliseconds each: two at once would choose the same part, and skipping a
            # locked one would find nothing in a video whose last part is just being claimed, though others wait.
            self._db.lock(connection, "kinograph claim")
            while (row := connection.execute(_claim(worker, now, lease_s)).first()) is not None:
                if row.state == PartState.QUARANTINED:
                    quarantine(connection, row, now)
                    continue
                if row.fence == 1:
                    started = update(videos).where(videos.c.id == row.video_id)
                    connection.execute(started.values(n_started=videos.c.n_started + 1))
                rest_reaper(connection, row.video_id, now)
                span = Span(float(row.start_s), float(row.end_s))
                return Lease(row.video_id, row.number, span, row.attempt, row.fence, worker, row.artifact_key)
        return None

    def renew(self, lease: Lease, *, lease_s: float, stage: str = "", progress: float = 0.0) -> None:
        progress = min(max(progress, 0.0), 1.0)
        renewed = _held(lease).values(
            lease_until=self._now() + lease_s,
            stage=stage or parts.c.stage,
            progress=_at_least(progress),
        )
        with self._db.write() as connection:
            _apply(connection, renewed, lease)

    def commit_part(self, lease: Lease, artifact_key: str, *, warnings: Sequence[str] = ()) -> None:
        now = self._now()
        committed = _held(lease).values(
            state=PartState.INDEXED,
            lease_until=None,
            artifact_key=artifact_key,
            indexed_at=now,
            progress=_at_least(COMMITTED_PROGRESS),
            failure=None,
            warnings=list(warnings) or None,
        )
        with self._db.write() as connection:
            _apply(connection, committed, lease)
            rest_reaper(connection, lease.video_id, now)

    def fail_part(self, lease: Lease, failure: Failure, *, is_final: bool) -> None:
        """Give the part back with the reason; a pending part is hinted again at once."""
        now = self._now()
        may_retry = parts.c.attempt < (0 if is_final else MAX_ATTEMPTS)
        end_state = PartState.FAILED if is_final else PartState.QUARANTINED
        failed = _held(lease).values(
            state=case((may_retry, PartState.PENDING.value), else_=end_state.value),
            lease_until=case((may_retry, 0.0), else_=null()),
            worker=None,
            failure=failure_row(failure),
        )
        with self._db.write() as connection:
            if _apply(connection, failed, lease) == PartState.PENDING:
                announce_part(connection, lease.video_id, lease.number, now)
            else:
                announce_finish_if_done(connection, lease.video_id, now)

    def release_worker(self, worker_prefix: str) -> int:
        """Make the parts of dead workers pending and hint them at once; the lost attempt is not counted."""
        now = self._now()
        is_forgiven = parts.c.n_interruptions < MAX_INTERRUPTIONS
        released = (
            update(parts)
            .where(
                parts.c.state == PartState.LEASED,
                func.substr(parts.c.worker, 1, len(worker_prefix)) == worker_prefix,
                is_part_wanted(),
            )
            .values(
                state=PartState.PENDING,
                lease_until=0.0,
                worker=None,
                attempt=case((is_forgiven, parts.c.attempt - 1), else_=parts.c.attempt),
                n_interruptions=parts.c.n_interruptions + 1,
            )
            .returning(parts.c.video_id, parts.c.number)
        )
        with self._db.write() as connection:
            self._db.lock(connection, "kinograph reaper")
            rows = connection.execute(released).all()
            for row in rows:
                announce_part(connection, row.video_id, row.number, now)
        return len(rows)


def part_of(row: Any) -> Part:
    """Return the record of a row of ``parts``."""
    return Part(
        video_id=row.video_id,
        number=row.number,
        span=Span(row.start_s, row.end_s),
        state=PartState(row.state),
        attempt=row.attempt,
        stage=row.stage,
        progress=row.progress,
        artifact_key=row.artifact_key,
        failure=Failure(**row.failure) if row.failure else None,
    )


_PENDING = {
    "state": PartState.PENDING,
    "attempt": 0,
    "n_interruptions": 0,
    "worker": None,
    "lease_until": 0.0,
    "stage": "",
    "progress": 0.0,
    "failure": None,
    "warnings": None,
}
"""A part that nobody has tried yet, or that is to be indexed again."""


def _new_part_row(video_id: str, number: int, span: Span) -> dict[str, object]:
    place = {"video_id": video_id, "number": number, "start_s": span.start_s, "end_s": span.end_s}
    return {**_PENDING, **place, "fence": 0}


def _claim(worker: str, now: float, lease_s: float) -> Update:
    """Return the statement that leases the next part, or closes it as quarantined after its last attempt.

    The video with the fewest parts started comes first (least attained service, Kleinrock 1976): a short new video
    never waits for a ten-hour one, two long ones take turns, and between equals the older one is served. Both databases
    walk ``ix_videos_open`` in this order and stop at the first video with a claimable part, so a backlog of 60,000
    parts costs no more than one of ten; a join of the two tables was sorted whole instead (61 ms a claim).
    """
    is_claimable = (parts.c.video_id == videos.c.id) & (parts.c.lease_until <= now)
    next_part = (
        select(videos.c.id, select(func.min(parts.c.number)).where(is_claimable).scalar_subquery().label("number"))
        .where(IS_OPEN, exists().where(is_claimable))
        .order_by(videos.c.n_started, videos.c.created_at, videos.c.id)
        .limit(1)
        .cte("next_part")
    )
    is_exhausted = parts.c.attempt >= MAX_ATTEMPTS
    return (
        update(parts)
        .where(
            parts.c.video_id == next_part.c.id,
            parts.c.number == next_part.c.number,
            parts.c.lease_until <= now,
        )
        .values(
            state=case((is_exhausted, PartState.QUARANTINED.value), else_=PartState.LEASED.value),
            lease_until=case((is_exhausted, null()), else_=now + lease_s),
            attempt=case((is_exhausted, parts.c.attempt), else_=parts.c.attempt + 1),
            fence=parts.c.fence + 1,
            worker=worker,
        )
        .returning(parts)
    )


def _held(lease: Lease) -> Update:
    """Return the update of a part that is still leased to this holder, of a video that is still wanted."""
    return update(parts).where(
        parts.c.video_id == lease.video_id,
        parts.c.number == lease.number,
        parts.c.fence == lease.fence,
        parts.c.state == PartState.LEASED,
        is_part_wanted(),
    )


def _apply(connection: Connection, statement: Update, lease: Lease) -> str:
    """Run an update of ``_held`` and return the part's new state.

    Raises:
        StaleLease: the lease is no longer held.
    """
    state = connection.execute(statement.returning(parts.c.state)).scalar_one_or_none()
    if state is None:
        raise StaleLease(f"part {lease.number} of video {lease.video_id} is no longer leased to {lease.worker}")
    return str(state)


def _at_least(progress: float) -> ColumnElement[float]:
    """Return the part's progress, raised to the value; an attempt that starts again does not lower it."""
    return case((parts.c.progress > progress, parts.c.progress), else_=progress)
