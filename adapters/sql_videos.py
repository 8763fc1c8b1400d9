"""Videos in the database: added once, listed, renamed, failed, deleted.

It does not know how a status is derived (``sql_status.py``) nor what else is deleted with a video elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sql_cursors import decode_cursor, encode_cursor
from adapters.sql_engine import SqlStore, is_in
from adapters.sql_graph_rows import clear_graph
from adapters.sql_outbox import REHINT_AFTER_S, announce, failure_row
from adapters.sql_schema import outbox, parts, segments, videos
from adapters.sql_status import read_videos
from core.errors import NotFound
from core.records import Failure, NewVideo, Page, Video
from core.titles import NamedVideo, find_names

MAX_PATTERNS = 16
"""Words of a title that the database looks for; SQLite refuses conditions of a thousand."""

_FOLDED_OTHERWISE = re.compile("[^a-z0-9]+|ss|f[fil]")


class SqlVideos(SqlStore):
    """The video share of the catalogue."""

    def add_video(self, video: NewVideo) -> tuple[Video, bool]:
        """Add the video and announce it, unless its tenant has the same bytes.

        Raises:
            Conflict: the id already stands for other bytes.
        """
        now = self._now()
        with self._db.write() as connection:
            is_new = self._insert(connection, video, now)
            if is_new:
                announce(connection, video.id, "plan_video", [(video.id,)], now)
            same = select(videos).where(
                videos.c.tenant == video.tenant,
                videos.c.content_hash == video.content_hash,
                videos.c.deleting_at.is_(None),
            )
            return read_videos(connection, connection.execute(same).all())[0], is_new

    def get_video(self, video_id: str, *, tenant: str | None = None) -> Video:
        with self._db.read() as connection:
            return _existing(connection, video_id, tenant)

    def get_videos(self, video_ids: Sequence[str]) -> dict[str, Video]:
        with self._db.read() as connection:
            wanted = select(videos).where(is_in(connection, videos.c.id, video_ids), videos.c.deleting_at.is_(None))
            return {video.id: video for video in read_videos(connection, connection.execute(wanted).all())}

    def list_videos(self, tenant: str, *, limit: int = 50, cursor: str | None = None) -> Page:
        key = (videos.c.created_at, videos.c.id)
        newest = select(videos).where(videos.c.tenant == tenant, videos.c.deleting_at.is_(None))
        if cursor is not None:
            newest = newest.where(tuple_(*key) < decode_cursor(cursor, float, str))
        newest = newest.order_by(*(column.desc() for column in key)).limit(limit + 1)
        with self._db.read() as connection:
            rows = connection.execute(newest).all()
            items = tuple(read_videos(connection, rows[:limit]))
        is_last = len(rows) <= limit
        return Page(items, None if is_last else encode_cursor(rows[limit - 1].created_at, rows[limit - 1].id))

    def find_titled(
        self, tenant: str, words: Sequence[str], *, video_ids: Sequence[str] = (), limit: int = 50
    ) -> list[NamedVideo]:
        if not words:
            return []
        with self._db.read() as connection:
            is_searchable = exists().where(segments.c.video_id == videos.c.id)
            maybe = (
                select(videos)
                .where(videos.c.tenant == tenant, videos.c.deleting_at.is_(None), is_searchable)
                .where(or_(_may_hold(videos.c.title, words), _may_hold(videos.c.filename, words)))
                .order_by(func.length(videos.c.title), videos.c.created_at.desc(), videos.c.id.desc())
            )
            if video_ids:
                maybe = maybe.where(is_in(connection, videos.c.id, video_ids))
            called = ((row, find_names(words, row.title, row.filename)) for row in connection.execute(maybe))
            found = list(islice(((row, names) for row, names in called if names), limit))
            named = read_videos(connection, [row for row, _ in found])
            return [NamedVideo(video, names) for video, (_, names) in zip(named, found, strict=True)]

    def rename_video(self, video_id: str, title: str) -> Video:
        with self._db.write() as connection:
            connection.execute(update(videos).where(videos.c.id == video_id).values(title=title))
            return _existing(connection, video_id, None)

    def fail_video(self, video_id: str, failure: Failure) -> None:
        """Record that the video cannot be indexed, and drop its unsent hints; a video that is gone is left alone."""
        with self._db.write() as connection:
            connection.execute(update(videos).where(videos.c.id == video_id).values(failure=failure_row(failure)))
            connection.execute(delete(outbox).where(outbox.c.video_id == video_id, outbox.c.sent_at.is_(None)))

    def begin_delete(self, video_id: str) -> Video:
        """Hide the video, what the graph knows from it and its hints; doing it twice changes nothing.

        Raises:
            NotFound: there is no such video.
        """
        with self._db.write() as connection:
            row = connection.execute(select(videos.c.tenant).where(videos.c.id == video_id)).first()
            if row is None:
                raise NotFound(f"there is no video {video_id}")
            self._db.lock(connection, f"graph of {row.tenant}")
            hide = update(videos).where(videos.c.id == video_id, videos.c.deleting_at.is_(None))
            connection.execute(hide.values(deleting_at=self._now()))
            connection.execute(delete(outbox).where(outbox.c.video_id == video_id))
            clear_graph(connection, video_id)
            return read_videos(connection, connection.execute(select(videos).where(videos.c.id == video_id)).all())[0]

    def deleting_videos(self) -> list[Video]:
        hidden = select(videos).where(videos.c.deleting_at.is_not(None)).order_by(videos.c.deleting_at, videos.c.id)
        with self._db.read() as connection:
            return read_videos(connection, connection.execute(hidden).all())

    def remove_video(self, video_id: str) -> None:
        with self._db.write() as connection:
            row = connection.execute(select(videos.c.tenant).where(videos.c.id == video_id)).first()
            if row is None:
                return
            self._db.lock(connection, f"graph of {row.tenant}")
            clear_graph(connection, video_id)
            # Workers lock a part before its video; the cascade below would take them in the other order.
            connection.execute(select(parts.c.number).where(parts.c.video_id == video_id).with_for_update())
            connection.execute(delete(videos).where(videos.c.id == video_id))

    def _insert(self, connection: Connection, video: NewVideo, now: float) -> bool:
        """Insert the video unless its tenant has the same bytes already; return whether it was inserted."""
        insert = sqlite.insert if self._db.is_sqlite else postgresql.insert
        statement = (
            insert(videos)
            .values(_new_video_row(video, now))
            .on_conflict_do_nothing(
                index_elements=[videos.c.tenant, videos.c.content_hash], index_where=videos.c.deleting_at.is_(None)
            )
            .returning(videos.c.id)
        )
        return connection.execute(statement).first() is not None


def _may_hold(column: ColumnElement[str], words: Sequence[str]) -> ColumnElement[bool]:
    """Return a condition that holds wherever the words are whole words of the column, and elsewhere, too.

    Databases fold the case of other letters than ASCII's each in its own way, or not at all, and "ß" is folded to two:
    any characters may stand there. ``find_names`` reads exactly.
    """
    patterns = (_FOLDED_OTHERWISE.sub("%", word) for word in words[:MAX_PATTERNS])
    return and_(*(column.ilike(f"%{pattern}%") for pattern in patterns))


def _existing(connection: Connection, video_id: str, tenant: str | None) -> Video:
    found = select(videos).where(videos.c.id == video_id, videos.c.deleting_at.is_(None))
    if tenant is not None:
        found = found.where(videos.c.tenant == tenant)
    rows = connection.execute(found).all()
    if not rows:
        raise NotFound(f"there is no video {video_id}", remedy="List the videos to see which exist.")
    return read_videos(connection, rows)[0]


def _new_video_row(video: NewVideo, now: float) -> dict[str, object]:
    return {
        "id": video.id,
        "tenant": video.tenant,
        "title": video.title,
        "filename": video.filename,
        "content_hash": video.content_hash,
        "media_key": video.media_key,
        "size_bytes": video.size_bytes,
        "duration_s": video.duration_s,
        "width_px": video.width_px,
        "height_px": video.height_px,
        "has_audio": video.has_audio,
        "subtitles_key": video.subtitles_key,
        "warnings": list(video.warnings) or None,
        "created_at": now,
        "n_started": 0,
        "rehint_at": now + REHINT_AFTER_S,
        "n_rehints": 0,
    }
