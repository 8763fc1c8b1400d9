"""Opens a home's stores in this process, so that searches can be varied without a service for each variant.

It does not know what is searched for. While a library is open no service can run on its home, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, cast

from adapters import build
from core.errors import TryAgain
from core.protocols import (
    EntityRecogniser,
    LanguageModel,
    LexicalEncoder,
    MomentFinder,
    Question,
    QuestionAnswerer,
    SearchRequest,
    TextEncoder,
    VisualEncoder,
)
from core.records import Answer, Moment, Video
from core.settings import Settings
from core.stores import Catalogue, MediaStore, SegmentIndex
from evaluation.corpus import Clip
from rag.compose import Retrieval, compose_retrieval
from rag.relevance import MIN_SCORE
from rag.steps import Steps

PAGE = 1000
"""Videos at most that are measured at once."""


class FinderOf(Protocol):
    """Composes a search."""

    def __call__(self, steps: Steps, *, floor: float = MIN_SCORE) -> MomentFinder: ...


AnswererOf = Callable[[Steps], QuestionAnswerer]


@dataclass(frozen=True, slots=True)
class Engines:
    """The stores and encoders of an open home; the encoders remember queries."""

    catalogue: Catalogue
    index: SegmentIndex
    media: MediaStore
    text: TextEncoder
    visual: VisualEncoder
    lexical: LexicalEncoder
    recogniser: EntityRecogniser


@dataclass(frozen=True, slots=True)
class Library:
    """An open home: ``clip_by_id`` names its videos; two compose what finds and answers with some steps.

    ``engines`` are what these are composed of, for a way to find or answer that a service has not.
    """

    clip_by_id: dict[str, str]
    finder_of: FinderOf
    answerer_of: AnswererOf
    engines: Engines


class Remembering:
    """Stands before an encoder and encodes each query once; whatever else is asked goes through.

    Variants of a search ask the same queries again and again, and encoding takes longer than all the rest.
    """

    def __init__(self, encoder: object) -> None:
        self._encoder = encoder
        self._remembered: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._encoder, name)
        if not name.startswith(("embed_query", "encode_query")):
            return attribute
        return self._remembered.setdefault(name, lru_cache(maxsize=None)(attribute))


@contextmanager
def open_library(
    home: Path,
    clips: Sequence[Clip],
    *,
    profile: str | None = None,
    model_of: Callable[[Settings], LanguageModel | None] = build.build_language_model,
) -> Iterator[Library]:
    """Yield the library of a home, with the clips that it holds; searching is wired as in the service.

    ``model_of`` returns the language model that plans and writes.

    Raises:
        TryAgain: none of the clips is there, or another process has the home open.
    """
    settings = Settings(home=home)
    settings = settings.model_copy(update={"profile": profile}) if profile else settings
    threads = build.TEXT_THREADS_FOR_QUERIES
    text = cast(TextEncoder, Remembering(build.build_text_encoder(settings, threads=threads)))
    engines = Engines(
        catalogue=build.build_catalogue(settings),
        index=build.build_index(settings),
        media=build.build_media_store(settings),
        text=text,
        visual=cast(VisualEncoder, Remembering(build.build_visual_encoder(settings, text, threads=threads))),
        lexical=cast(LexicalEncoder, Remembering(build.build_lexical_encoder())),
        recogniser=build.build_entity_recogniser(),
    )
    model = model_of(settings)

    def compose(steps: Steps, *, floor: float = MIN_SCORE) -> Retrieval:
        return compose_retrieval(
            catalogue=engines.catalogue,
            index=engines.index,
            media=engines.media,
            text=engines.text,
            visual=engines.visual,
            lexical=engines.lexical,
            recogniser=engines.recogniser,
            model=model,
            steps=steps,
            floor=floor,
        )

    def finder_of(steps: Steps, *, floor: float = MIN_SCORE) -> MomentFinder:
        return compose(steps, floor=floor).finder

    try:
        names = {clip.name for clip in clips}
        clip_by_id = {video.id: video.filename for video in list_videos(engines.catalogue) if video.filename in names}
        if not clip_by_id:
            raise TryAgain("this home holds none of the clips", remedy="Index them first, without --reuse.")
        yield Library(clip_by_id, finder_of, lambda steps: compose(steps).answerer, engines)
    finally:
        engines.index.close()
        engines.catalogue.close()


def list_videos(catalogue: Catalogue) -> list[Video]:
    """Return the videos of a home, the newest first."""
    return list(catalogue.list_videos("default", limit=PAGE).items)


def search_with(finder: MomentFinder, **request: Any) -> Callable[[str, int], Sequence[Moment]]:
    """Return ``search(query, limit)`` over a finder; ``request`` are further fields of each ``SearchRequest``."""
    return lambda query, limit: finder.find(SearchRequest(query, limit=limit, **request))


def ask_with(answerer: QuestionAnswerer) -> Callable[[str, Sequence[str]], Answer]:
    """Return ``ask(question, video_ids)`` over an answerer."""
    return lambda question, video_ids: answerer.answer(Question(question, video_ids=tuple(video_ids)))
