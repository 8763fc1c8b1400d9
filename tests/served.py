"""The API on a real port over a real catalogue, with fakes for search and answers: for the page and the command line.

It does not know perception: a test says what was seen and heard, and it is published as a worker would.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import uvicorn
from PIL import Image, ImageDraw

from adapters.qdrant_edge_index import EdgeSegmentIndex
from adapters.sql_catalogue import SqlCatalogue
from api.app import create_app
from api.dependencies import Services
from core.ids import derived_id
from core.protocols import MediaReader
from core.records import Answer, Citation, Evidence, Keyframe, Modality, Moment, Reason, Segment, Span
from core.settings import Settings
from core.stores import MediaStore
from tests.fakes.media_reader import FakeMediaReader
from tests.fakes.media_store import FakeMediaStore
from tests.fakes.search import FakeMomentFinder, FakeQuestionAnswerer

FRAMES_PER_S = 10
PICTURE_PX = (320, 180)


@dataclass
class Served:
    """A served library: what a test turns to make it answer so or so."""

    url: str
    home: Path
    services: Services
    finder: FakeMomentFinder
    answerer: FakeQuestionAnswerer
    stop: threading.Event = field(default_factory=threading.Event)

    def plan(self, video_id: str, duration_s: float) -> None:
        """Cut the video into two parts."""
        half_s = duration_s / 2
        self.services.catalogue.plan_parts(video_id, [Span(0, half_s), Span(half_s, duration_s)])

    def begin_part(self) -> None:
        """Take the next part in hand and stop in the middle of listening."""
        lease = self.services.catalogue.claim_part("worker", lease_s=60)
        assert lease is not None
        self.services.catalogue.renew(lease, lease_s=60, stage="speech", progress=0.5)

    def publish_part(
        self, lines: Sequence[tuple[float, Modality, str]], warnings: Sequence[str] = ()
    ) -> list[Evidence]:
        """Index and publish the next part: a line of two seconds each, with a picture."""
        catalogue = self.services.catalogue
        lease = catalogue.claim_part("worker", lease_s=60)
        assert lease is not None
        catalogue.commit_part(lease, "artifact", warnings=warnings)
        part = catalogue.parts_to_publish()[0]
        evidence, segments = [], []
        for number, (start_s, modality, text) in enumerate(lines):
            span = Span(start_s, start_s + 2)
            key = f"videos/{lease.video_id}/keyframes/{start_s:g}.jpg"
            self.services.media.put_bytes(key, jpeg(start_s))
            item = Evidence(
                derived_id(lease.video_id, start_s),
                lease.video_id,
                lease.number,
                span,
                modality,
                text,
                0.9,
                "fake 1",
                "en",
            )
            evidence.append(item)
            segments.append(
                Segment(
                    derived_id(lease.video_id, "segment", start_s),
                    lease.video_id,
                    lease.number,
                    number,
                    span,
                    (item.id,),
                    (Keyframe(start_s, span, key),),
                )
            )
        assert catalogue.publish_part(part, evidence, segments)
        return evidence

    def finish(self, video_id: str) -> None:
        self.services.catalogue.finish_video(video_id, language="en", events=[], entities=[], mentions=[], links=[])


@contextmanager
def serve_library(
    home: Path, *, reader: MediaReader | None = None, media: MediaStore | None = None, **changes: object
) -> Iterator[Served]:
    """Serve an empty library on a free port; settings may be changed."""
    settings = Settings(_env_file=None, home=home, min_free_bytes=0).model_copy(update=changes)
    finder, answerer = FakeMomentFinder(), FakeQuestionAnswerer()
    services = Services(
        catalogue=SqlCatalogue.open(f"sqlite:///{home / 'catalogue.db'}"),
        index=EdgeSegmentIndex(home / "index", text_dim=4, token_dim=4, frame_dim=4),
        media=media or FakeMediaStore(),
        reader=reader or FakeMediaReader(),
        finder=finder,
        answerer=answerer,
        notify=lambda: None,
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        config = uvicorn.Config(
            create_app(services, settings=settings), log_level="error", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", home, services, finder, answerer)
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            services.index.close()
            services.catalogue.close()


def moment_of(evidence: Evidence, *, matched: str = "", score: float = 0.9, title: str = "Harbour film") -> Moment:
    """Return the evidence as a moment, found by the given words."""
    reason = Reason(evidence.modality, score, evidence.id, matched)
    return Moment(
        evidence.video_id, title, evidence.span, score, evidence.modality, (evidence,), (reason,), evidence.span.start_s
    )


def answer_of(text: str, *evidence: Evidence, title: str = "Harbour film") -> Answer:
    """Return an answer that cites the evidence as [1], [2] …"""
    citations = tuple(
        Citation(f"[{number}]", item.video_id, title, item.span, item.text, item.id, item.modality)
        for number, item in enumerate(evidence, start=1)
    )
    moments = tuple(moment_of(item, title=title) for item in evidence)
    hint = "For written answers configure a model: set KINOGRAPH_VLM_URL."
    return Answer(text, citations, moments, produced_by="extractive", hint=hint, trace=({"step": "search"},))


def picture(time_s: float) -> Image.Image:
    """Return a still that says which second it shows."""
    image = Image.new("RGB", PICTURE_PX, (20 + int(time_s * 9) % 200, 60, 120))
    ImageDraw.Draw(image).text((130, 80), f"{time_s:.1f} s", fill="white")
    return image


def jpeg(time_s: float) -> bytes:
    target = io.BytesIO()
    picture(time_s).save(target, "JPEG")
    return target.getvalue()


def write_video(path: Path, duration_s: int, codec: str = "libx264") -> Path:
    """Write a silent film that shows its own seconds, a keyframe each second so that seeking is exact."""
    with av.open(str(path), "w") as container:
        options = {"g": str(FRAMES_PER_S)} | ({"preset": "ultrafast"} if codec == "libx264" else {})
        stream = container.add_stream(codec, rate=FRAMES_PER_S, options=options)
        stream.width, stream.height = PICTURE_PX
        stream.pix_fmt = "yuv420p"
        for number in range(duration_s * FRAMES_PER_S):
            frame = av.VideoFrame.from_ndarray(np.asarray(picture(number / FRAMES_PER_S)), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
