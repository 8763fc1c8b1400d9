"""Names on screen reach the recogniser before it writes, and what is not shown, or cannot be seen, holds nothing up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.protocols import Terms
from core.records import Evidence, Modality, Part, Span, Video, VideoStatus
from core.signals import DecodedPart, FloatArray, ImageArray, Picture, TextBox, Transcript
from indexer.embeddings import Encoders
from indexer.pipeline import Perception, index_part
from indexer.terms import MAX_TERMS, find_terms
from tests.clips import slide
from tests.fakes.encoders import FakeLexicalEncoder, FakeNameRecogniser, FakeTextEncoder, FakeVisualEncoder
from tests.fakes.media_reader import FakeMediaReader
from tests.fakes.media_store import FakeMediaStore
from tests.fakes.screen import line
from tests.fakes.speech import FakeRecogniser, tone
from tests.test_keyframes import jpeg
from tests.test_shots import CutsAt


def shown(text: str, *, confidence: float = 0.95) -> Evidence:
    return Evidence(text, "v", 0, Span(0, 9), Modality.SCREEN, text, confidence, "test")


def test_names_are_told_once_in_the_order_of_the_texts() -> None:
    texts = [
        shown("Building the Kestrel Dam\nMarta Ohlin, engineer"),
        shown("the Kestrel Dam"),
        shown("opened in 1936"),
    ]
    assert find_terms(texts, FakeNameRecogniser()) == ("Kestrel Dam", "Marta Ohlin")


def test_what_was_read_badly_is_not_told() -> None:
    assert find_terms([shown("Kestre1 Dam", confidence=0.5)], FakeNameRecogniser()) == ()


def test_a_page_full_of_names_is_told_in_part() -> None:
    people = ", ".join(f"Anna Number{chr(65 + n // 26)}{chr(97 + n % 26)}" for n in range(60))
    assert len(find_terms([shown(people)], FakeNameRecogniser())) == MAX_TERMS


class Film(FakeMediaReader):
    """Ten seconds of one slide under a tone."""

    is_broken = False

    def decode_part(self, path: Path, span: Span) -> DecodedPart:
        if self.is_broken:
            raise RuntimeError("the decoder died")
        times_s = np.arange(100) / 10
        picture = Picture(1.0, jpeg(slide(["Kestrel Dam"])))
        return DecodedPart(times_s, np.zeros((100, 27, 48, 3), np.uint8), (picture,))

    def read_audio(self, path: Path, span: Span) -> FloatArray:
        return tone(300, span.duration_s)


class Reads:
    """A screen reader that finds the same line on every picture."""

    name = "reads"

    def read_text(self, picture: ImageArray) -> list[TextBox]:
        return [line("The Kestrel Dam")]


class Listener(FakeRecogniser):
    """Remembers the terms it was told."""

    def __init__(self) -> None:
        self.told: list[Sequence[str]] = []

    def transcribe(self, samples: FloatArray, *, language: str | None = None, terms: Terms = tuple) -> Transcript:
        self.told.append(terms())
        return super().transcribe(samples, language=language)


def perceive(reader: Film, listener: Listener, *, width_px: int | None = 1280) -> None:
    text = FakeTextEncoder()
    perception = Perception(
        profile="offline",
        reader=reader,
        shots=CutsAt(),
        speech=listener,
        screen=Reads(),
        encoders=Encoders(text, FakeVisualEncoder(text), FakeLexicalEncoder()),
        names=FakeNameRecogniser(),
    )
    video = Video(
        id="v" * 8,
        tenant="default",
        title="A dam",
        filename="dam.mp4",
        content_hash="hash",
        media_key="k",
        size_bytes=1,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        status=VideoStatus.INDEXING,
        duration_s=10.0,
        width_px=width_px,
        has_audio=True,
    )
    part = Part(video.id, 0, Span(0, 10))
    index_part(video, part, Path("nowhere"), (), perception, FakeMediaStore(), lambda stage, share: None)


def test_what_the_screen_shows_is_known_before_words_are_written() -> None:
    listener = Listener()
    perceive(Film(), listener)
    assert listener.told == [("Kestrel Dam",)]


def test_sound_alone_is_heard_without() -> None:
    listener = Listener()
    perceive(Film(), listener, width_px=None)
    assert listener.told == [()]


def test_a_picture_that_cannot_be_decoded_ends_the_part_instead_of_waiting_for_it() -> None:
    reader = Film()
    reader.is_broken = True
    with pytest.raises(RuntimeError, match="the decoder died"):
        perceive(reader, Listener())
