"""The outbox: hints written in the transaction that makes work, and the reaper that repeats hints that were lost.

It does not know the broker; ``core/dispatch.py`` carries the hints there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, func, insert, select, update

from adapters.sql_engine import SqlStore, is_in
from adapters.sql_schema import IS_OPEN, outbox, parts, videos
from core.records import Failure, PartState
from core.stores import OutboxHint

MAX_ATTEMPTS = 3
"""A part that has failed so often brings its worker down with it, or never works; nobody should meet it again."""

REHINT_AFTER_S = 10.0
"""Stalled work is hinted again after this long, then after twice as long each time…"""

REHINT_AT_MOST_EVERY_S = 640.0
"""… up to this, so that parts which merely wait behind a long queue do not fill the broker with copies."""

SENT_KEPT_S = 3600.0
"""Sent hints are kept this long, to see in the database what was announced and when."""

MAX_REAPED_VIDEOS = 100
"""Stalled videos handled in one call, to keep its transaction short."""

_IS_LEASED = parts.c.lease_until > 0


class SqlOutbox(SqlStore):
    """The outbox's share of the ledger."""

    def take_outbox(self, limit: int = 100) -> list[OutboxHint]:
        with self._db.read() as connection:
            unsent = select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.id).limit(limit)
            return [OutboxHint(row.id, row.task, tuple(row.args)) for row in connection.execute(unsent)]

    def mark_sent(self, hint_ids: Sequence[int]) -> None:
        with self._db.write() as connection:
            sent = update(outbox).where(is_in(connection, outbox.c.id, hint_ids))
            connection.execute(sent.values(sent_at=self._now()))

    def reap(self) -> int:
        now = self._now()
        with self._db.write() as connection:
            self._db.lock(connection, "kinograph reaper")
            n_hints = return_expired(connection, now)
            for video in _stalled_videos(connection, now):
                n_hints += _repeat_hints(connection, video, now)
            connection.execute(delete(outbox).where(outbox.c.sent_at < now - SENT_KEPT_S))
        return n_hints


def announce(connection: Connection, video_id: str, task: str, arguments: Sequence[Sequence[str]], now: float) -> None:
    """Put one hint a list of arguments into the outbox, and let the reaper wait before it repeats them."""
    _write_hints(connection, video_id, task, arguments, now)
    rest_reaper(connection, video_id, now)


def rest_reaper(connection: Connection, video_id: str, now: float) -> None:
    """Note that something of the video just moved: nothing of it counts as stalled for a while."""
    connection.execute(
        update(videos).where(videos.c.id == video_id).values(rehint_at=now + REHINT_AFTER_S, n_rehints=0)
    )


def announce_part(connection: Connection, video_id: str, number: int, now: float) -> None:
    """Put the hint for a part that is pending again into the outbox."""
    announce(connection, video_id, "index_part", [(video_id, str(number))], now)


def announce_finish_if_done(connection: Connection, video_id: str, now: float) -> None:
    """Put the hint ``finish_video`` into the outbox if no part of the video is open any more.

    The video's row is locked first: of two workers that close the last two parts at once, the second one sees both.
    """
    video = connection.execute(
        select(videos.c.id).where(videos.c.id == video_id, IS_OPEN).with_for_update(key_share=True)
    ).first()
    if video is not None and n_unfinished_parts(connection, video_id) == 0:
        announce(connection, video_id, "finish_video", [(video_id,)], now)


def quarantine(connection: Connection, row: Row[Any], now: float) -> None:
    """Take a part away from workers for good; ``row`` holds its key, attempt, stage and last failure."""
    failure = row.failure or {
        "stage": row.stage or "index",
        "reason": f"the worker died {row.attempt} times while it indexed this part",
        "remedy": "Look into the worker's log; a part that needs too much memory ends this way.",
    }
    connection.execute(
        update(parts)
        .where(parts.c.video_id == row.video_id, parts.c.number == row.number)
        .values(state=PartState.QUARANTINED, lease_until=None, worker=None, failure=failure)
    )
    announce_finish_if_done(connection, row.video_id, now)


def return_expired(connection: Connection, now: float) -> int:
    """Make expired leases pending again, or quarantine the part after its last attempt; return the hints written."""
    expired = (
        update(parts)
        .where(_IS_LEASED, parts.c.lease_until <= now, is_part_wanted())
        .values(state=PartState.PENDING, lease_until=0.0, worker=None)
        .returning(parts.c.video_id, parts.c.number, parts.c.attempt, parts.c.stage, parts.c.failure)
    )
    rows = connection.execute(expired).all()
    for row in rows:
        if row.attempt >= MAX_ATTEMPTS:
            quarantine(connection, row, now)
        else:
            announce_part(connection, row.video_id, row.number, now)
    return len(rows)


def is_part_wanted() -> ColumnElement[bool]:
    """Return the condition that a part's video still has work to do."""
    return exists().where(videos.c.id == parts.c.video_id, IS_OPEN)


def failure_row(failure: Failure) -> dict[str, str]:
    """Return a failure as it is stored."""
    return {"stage": failure.stage, "reason": failure.reason, "remedy": failure.remedy}


def _write_hints(
    connection: Connection, video_id: str, task: str, arguments: Sequence[Sequence[str]], now: float
) -> None:
    hints = [{"video_id": video_id, "task": task, "args": list(args), "created_at": now} for args in arguments]
    connection.execute(insert(outbox), hints)


def _stalled_videos(connection: Connection, now: float) -> Sequence[Row[str, int | None, int]]:
    """Return (id, n_parts, n_rehints) of open videos without movement: no part leased, no hint waiting to be sent.

    A video whose parts wait for a worker is not stalled while any part of any video moves: a hint calls a worker to
    whatever part is next, so that those sent already are as many as the parts that wait.
    """
    is_in_progress = exists().where(parts.c.video_id == videos.c.id, _IS_LEASED)
    is_announced = exists().where(outbox.c.video_id == videos.c.id, outbox.c.sent_at.is_(None))
    stalled = (
        select(videos.c.id, videos.c.n_parts, videos.c.n_rehints)
        .where(IS_OPEN, videos.c.rehint_at <= now, ~is_in_progress, ~is_announced)
        .order_by(videos.c.rehint_at, videos.c.id)
        .limit(MAX_REAPED_VIDEOS)
    )
    if _is_anything_moving(connection, now):
        is_waiting = exists().where(parts.c.video_id == videos.c.id, parts.c.state == PartState.PENDING)
        stalled = stalled.where(~is_waiting)
    return connection.execute(stalled).all()


def _is_anything_moving(connection: Connection, now: float) -> bool:
    """Whether a worker holds a part, or has ended one so lately that nobody can have repeated hints since."""
    leased = select(parts.c.number).where(_IS_LEASED, is_part_wanted()).limit(1)
    moved = select(videos.c.id).where(IS_OPEN, videos.c.n_rehints == 0, videos.c.rehint_at > now).limit(1)
    return connection.execute(leased).first() is not None or connection.execute(moved).first() is not None


def _repeat_hints(connection: Connection, video: Row[str, int | None, int], now: float) -> int:
    """Write the hints that a stalled video waits for, and double the time until the next ones; return how many."""
    if video.n_parts is None:
        task, arguments = "plan_video", [[video.id]]
    elif n_unfinished_parts(connection, video.id) == 0:
        task, arguments = "finish_video", [[video.id]]
    else:
        task, arguments = "index_part", [[video.id, str(n)] for n in _stalled_numbers(connection, video.id, now)]
    if arguments:
        _write_hints(connection, video.id, task, arguments, now)
    pause_s = min(REHINT_AFTER_S * 2 ** (video.n_rehints + 1), REHINT_AT_MOST_EVERY_S)
    connection.execute(
        update(videos).where(videos.c.id == video.id).values(rehint_at=now + pause_s, n_rehints=video.n_rehints + 1)
    )
    return len(arguments)


def _stalled_numbers(connection: Connection, video_id: str, now: float) -> Sequence[int]:
    """Return the parts that can be claimed; if none, one that was indexed by a worker which died before publishing it.

    A worker publishes what is ready after whatever it was called for, so a single hint brings all of them on.
    """
    numbers = select(parts.c.number).where(parts.c.video_id == video_id).order_by(parts.c.number)
    claimable = connection.scalars(numbers.where(parts.c.lease_until <= now)).all()
    return claimable or connection.scalars(numbers.where(parts.c.indexed_at.is_not(None)).limit(1)).all()


_UNFINISHED = (PartState.PENDING, PartState.LEASED, PartState.INDEXED)


def n_unfinished_parts(connection: Connection, video_id: str) -> int:
    """Return how many parts of a video are still to be indexed or published."""
    unfinished = select(func.count()).where(parts.c.video_id == video_id, parts.c.state.in_(_UNFINISHED))
    return connection.execute(unfinished).scalar_one()
