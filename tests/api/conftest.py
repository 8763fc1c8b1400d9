"""The API over a real catalogue in a temporary home, with fakes for what decodes, stores, searches and answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from adapters.sql_catalogue import SqlCatalogue
from api.app import create_app
from api.dependencies import Services
from core.ids import derived_id
from core.records import (
    Entity,
    Event,
    Evidence,
    Keyframe,
    Lease,
    Link,
    Mention,
    Modality,
    Segment,
    Span,
    Word,
)
from core.settings import Settings
from core.stores import MediaStore
from tests.fakes.media_reader import FakeMediaReader
from tests.fakes.media_store import FakeMediaStore
from tests.fakes.search import FakeMomentFinder, FakeQuestionAnswerer
from tests.fakes.segment_index import FakeSegmentIndex

JPEG = b"\xff\xd8\xff\xe0 a picture"


@dataclass
class World:
    """A served library; ``n_notified`` counts how often the dispatcher was woken."""

    app: FastAPI
    client: TestClient
    services: Services
    home: Path
    finder: FakeMomentFinder
    answerer: FakeQuestionAnswerer
    notified: list[None] = field(default_factory=list)

    def upload(self, content: bytes = b"video 120", filename: str = "talk.mp4", **form: str) -> str:
        """Upload a file and return the video's id."""
        response = self.client.post("/v1/videos", files={"file": (filename, content)}, data=form)
        assert response.status_code in (200, 202), response.text
        video_id: str = response.json()["id"]
        return video_id

    def plan(self, video_id: str) -> None:
        """Cut the video into two parts of a minute."""
        self.services.catalogue.plan_parts(video_id, [Span(0, 60), Span(60, 120)])

    def claim(self) -> Lease:
        lease = self.services.catalogue.claim_part("worker", lease_s=60)
        assert lease is not None
        return lease

    def publish_next(self, picture: bytes = JPEG) -> None:
        """Index and publish the next part: one spoken sentence, one segment, one picture that ends in its number."""
        self.publish(self.claim(), picture)

    def publish(self, lease: Lease, picture: bytes = JPEG) -> None:
        catalogue = self.services.catalogue
        catalogue.renew(lease, lease_s=60, stage="speech", progress=0.5)
        catalogue.commit_part(lease, "artifact")
        part = catalogue.parts_to_publish()[0]
        said = spoken(lease.video_id, lease.number)
        key = f"videos/{lease.video_id}/keyframes/{lease.number}-{lease.fence}.jpg"
        self.services.media.put_bytes(key, picture + str(lease.number).encode())
        keyframe = Keyframe(lease.span.start_s + 10, lease.span, key)
        segment = Segment(
            derived_id(lease.video_id, "segment", lease.number),
            lease.video_id,
            lease.number,
            lease.number,
            lease.span,
            (said.id,),
            (keyframe,),
        )
        assert catalogue.publish_part(part, [said], [segment])

    def finish(self, video_id: str) -> str:
        """Make the video ready, with a graph of one entity in one event; return the entity's id."""
        said = spoken(video_id, 0)
        entity = Entity(derived_id("entity", "Ada"), "default", "person", "Ada Lovelace", ("Ada",), 1, 1)
        event = Event(derived_id(video_id, "event"), video_id, 0, said.span, "Ada speaks", (said.id,), (), (entity.id,))
        self.services.catalogue.finish_video(
            video_id,
            language="en",
            events=[event],
            entities=[entity],
            mentions=[Mention(entity.id, video_id, said.id, event.id, said.span, "Ada")],
            links=[Link(event.id, entity.id, "mentions", video_id, (said.id,))],
        )
        return entity.id

    def add_ready_video(self, content: bytes = b"video 120", **form: str) -> str:
        """Upload, index and finish a video; return its id."""
        video_id = self.upload(content, **form)
        self.plan(video_id)
        self.publish_next()
        self.publish_next()
        self.finish(video_id)
        return video_id


def spoken(video_id: str, part: int) -> Evidence:
    """Return the sentence spoken in a part of the test videos."""
    start_s = part * 60.0 + 1
    return Evidence(
        derived_id(video_id, "evidence", part),
        video_id,
        part,
        Span(start_s, start_s + 2.5),
        Modality.SPEECH,
        f"Ada says a < b & c in part {part}.",
        0.9,
        "fake 1",
        "en",
        (Word("Ada", start_s, start_s + 0.5),),
    )


@pytest.fixture(scope="session")
def empty_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated database to copy; migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.db"
    SqlCatalogue.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def make_world(tmp_path: Path, empty_catalogue: Path) -> Iterator[Callable[..., World]]:
    """Return a function that builds a world; settings may be given. One world a test: the home has one owner."""
    opened: list[World] = []

    def make(media: MediaStore | None = None, **changes: object) -> World:
        finder, answerer, notified = FakeMomentFinder(), FakeQuestionAnswerer(), list[None]()
        shutil.copy(empty_catalogue, tmp_path)
        services = Services(
            catalogue=SqlCatalogue(f"sqlite:///{tmp_path / 'catalogue.db'}"),
            index=FakeSegmentIndex(),
            media=media or FakeMediaStore(),
            reader=FakeMediaReader(),
            finder=finder,
            answerer=answerer,
            notify=lambda: notified.append(None),
        )
        settings = Settings(home=tmp_path, api_key=None, min_free_bytes=0).model_copy(update=changes)
        app = create_app(services, settings=settings)
        client = TestClient(app, raise_server_exceptions=False)
        opened.append(World(app, client, services, tmp_path, finder, answerer, notified))
        return opened[-1]

    yield make
    for world in opened:
        world.client.close()
        world.services.index.close()
        world.services.catalogue.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
