"""Opening databases: migrations give the schema the code expects, whoever comes first; what is not ours is refused."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from adapters.sql_catalogue import SqlCatalogue
from adapters.sql_schema import metadata
from core.errors import BadInput, TryAgain
from core.records import Evidence, Modality, NewVideo, Span
from tests.databases import database_url, drop_tables


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    found = database_url(request.param, tmp_path / "a folder that% is new" if request.param == "sqlite" else tmp_path)
    if request.param == "postgres":
        drop_tables(found)
    return found


def open_and_add(url: str, number: int) -> None:
    catalogue = SqlCatalogue.open(url)
    catalogue.add_video(NewVideo(f"v{number}", "t", "A talk", "a.mp4", f"hash {number}", "k", 1, 60.0))
    catalogue.close()


def test_migrations_create_what_the_code_expects(url: str) -> None:
    SqlCatalogue.open(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_library_of_an_earlier_schema_is_upgraded_and_read(url: str) -> None:
    SqlCatalogue.open(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", "adapters:migrations")
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")  # before regions
    catalogue = SqlCatalogue(url)
    catalogue.add_video(NewVideo("v", "t", "A talk", "a.mp4", "hash", "k", 1, 60.0))
    catalogue.close()
    with engine.begin() as connection:
        row = "'e', 'v', 0, 1, 2, 'screen', 'EXIT', 0.9, 'reader'"
        columns = "id, video_id, part, start_s, end_s, modality, text, confidence, produced_by"
        connection.execute(text(f"INSERT INTO evidence ({columns}) VALUES ({row})"))
    engine.dispose()

    catalogue = SqlCatalogue.open(url)
    assert catalogue.list_evidence("v") == [
        Evidence("e", "v", 0, Span(1, 2), Modality.SCREEN, "EXIT", 0.9, "reader", region=None)
    ]
    catalogue.close()


def test_many_may_open_a_new_database_at_once(url: str) -> None:
    context = multiprocessing.get_context("fork")
    openers = [context.Process(target=open_and_add, args=(url, number)) for number in range(6)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(60)
    assert [opener.exitcode for opener in openers] == [0] * 6

    catalogue = SqlCatalogue.open(url)
    assert len(catalogue.list_videos("t").items) == 6
    catalogue.close()


def test_a_newer_schema_is_refused(url: str) -> None:
    SqlCatalogue.open(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadInput, match="or a newer one"):
        SqlCatalogue.open(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :current"), {"current": current})
    engine.dispose()


def test_a_server_that_is_away_is_worth_another_try() -> None:
    away = SqlCatalogue("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    with pytest.raises(TryAgain, match="KINOGRAPH_DATABASE_URL"):
        away.ping()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused_with_what_to_use(url: str) -> None:
    with pytest.raises(BadInput, match="Use sqlite"):
        SqlCatalogue.open(url)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(BadInput) as caught:
        SqlCatalogue.open("mysql://user:secret@host/database")
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are notes, not a database " * 100)
    with pytest.raises(BadInput, match="cannot be read"):
        SqlCatalogue.open(f"sqlite:///{path}")
    assert path.read_text().startswith("these are notes")


def test_a_full_disk_is_worth_another_try_and_changes_nothing(tmp_path: Path) -> None:
    catalogue = SqlCatalogue.open(database_url("sqlite", tmp_path))
    full = SqlCatalogue(f"sqlite:///{tmp_path / 'catalogue.db'}")
    with full._db.engine.connect() as connection:
        connection.connection.cursor().execute("PRAGMA max_page_count = 1")  # the pool gives this connection out again
    with pytest.raises(TryAgain, match="Free disk space"):
        full.add_video(NewVideo("v", "t", "A talk " * 10_000, "a.mp4", "hash", "k", 1, 60.0))
    full.close()

    assert (catalogue.list_videos("t").items, catalogue.take_outbox()) == ((), [])
    catalogue.close()
