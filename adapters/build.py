"""The only wiring: settings in, adapters out. Nothing heavy loads here; models load when first used.

It does not know what the adapters are used for; entry points compose rooms from what it returns.
"""

from __future__ import annotations

import os

from adapters.blobs import FsspecMediaStore
from adapters.concepts import ConceptVisualEncoder
from adapters.drawn_shapes import DrawnShapeDetector
from adapters.jobs import CeleryJobQueue, make_celery
from adapters.late_interaction_text import LateInteractionTextEncoder
from adapters.lexical import Bm25LexicalEncoder
from adapters.media import AvMediaReader
from adapters.open_clip_encoder import OpenClipEncoder
from adapters.openai_vlm import OpenAiLanguageModel
from adapters.qdrant_edge_index import EdgeSegmentIndex
from adapters.qdrant_server_index import ServerSegmentIndex, connect_qdrant
from adapters.rapidocr_reader import RapidOcrReader
from adapters.spacy_names import SpacyNameRecogniser
from adapters.sql_catalogue import SqlCatalogue
from adapters.text_encoder import OFFLINE_MODEL, SentenceTextEncoder
from adapters.transformers_vlm import TransformersLanguageModel
from adapters.transnet import TransNetShotDetector
from adapters.visual_retriever import VisualRetriever
from adapters.vlm_captioner import VlmCaptioner
from adapters.whisper import WhisperRecogniser
from core.protocols import (
    Captioner,
    EntityRecogniser,
    JobQueue,
    LanguageModel,
    LexicalEncoder,
    MediaReader,
    ObjectDetector,
    ScreenReader,
    ShotDetector,
    SpeechRecogniser,
    TextEncoder,
    VisualEncoder,
)
from core.settings import Settings
from core.stores import Catalogue, MediaStore, SegmentIndex

TEXT_THREADS_FOR_QUERIES = 1
"""A query on one thread took 16 ms, on two contended threads 231 ms."""


def build_catalogue(settings: Settings) -> Catalogue:
    """Return the catalogue, its schema brought up to date."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return SqlCatalogue.open(settings.database_url or f"sqlite:///{settings.home / 'catalogue.db'}")


def build_media_store(settings: Settings) -> MediaStore:
    return FsspecMediaStore(settings.media_url or str((settings.home / "media").absolute()))


def build_index(settings: Settings, *, recreate: bool = False) -> SegmentIndex:
    """Return the vector index: the shard in home (this process becomes its owner), or the server's collection.

    ``recreate`` drops what is there first, for a rebuild after the models changed. The sizes of vectors come from the
    models' configurations, so no weights load here.
    """
    text = build_text_encoder(settings, threads=settings.threads)
    visual = build_visual_encoder(settings, text, threads=settings.threads)
    url, text_dim, token_dim, frame_dim = settings.qdrant_url, text.dimension, text.token_dimension, visual.dimension
    if url is None:
        folder = settings.home / "index" / settings.profile
        return EdgeSegmentIndex(folder, text_dim=text_dim, token_dim=token_dim, frame_dim=frame_dim, recreate=recreate)
    api_key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    return ServerSegmentIndex(
        lambda: connect_qdrant(url, api_key),
        collection=f"kinograph-{settings.profile}",
        text_dim=text_dim,
        token_dim=token_dim,
        frame_dim=frame_dim,
        recreate=recreate,
    )


def build_job_queue(settings: Settings) -> JobQueue:
    return CeleryJobQueue(make_celery(settings.broker_url, settings.home))


def build_reader(settings: Settings) -> MediaReader:
    return AvMediaReader(max_duration_s=settings.max_duration_s)


def indexing_threads(settings: Settings) -> int:
    """Return the threads of each model of a worker: half the cores, since it hears and sees at the same time.

    On two cores a second thread an engine made screen text slower (22 instead of 11 cpu seconds for 41 pictures): idle
    threads spin on the core that the other engine needs.
    """
    return settings.threads or max(1, (os.cpu_count() or 2) // max(1, settings.workers) // 2)


def build_shot_detector(settings: Settings) -> ShotDetector:
    return TransNetShotDetector(threads=indexing_threads(settings))


def build_speech_recogniser(settings: Settings) -> SpeechRecogniser:
    return WhisperRecogniser(
        settings.speech_model, cache_dir=settings.home / "models", threads=indexing_threads(settings)
    )


def build_screen_reader(settings: Settings) -> ScreenReader:
    return RapidOcrReader(threads=indexing_threads(settings))


def build_object_detector() -> ObjectDetector:
    return DrawnShapeDetector()


def build_text_encoder(settings: Settings, *, threads: int) -> TextEncoder:
    """Return the text encoder; in `standard` its tokens are of a model of their own, unless both are the same."""
    if settings.profile == "offline":
        return SentenceTextEncoder(OFFLINE_MODEL, threads=threads)
    dense = SentenceTextEncoder(settings.text_model, threads=threads)
    if settings.token_model == settings.text_model:
        return dense
    return LateInteractionTextEncoder(settings.token_model, dense, threads=threads)


def build_visual_encoder(settings: Settings, text: TextEncoder, *, threads: int) -> VisualEncoder:
    """Return the visual encoder; ``text`` is the encoder whose space ConSE maps pictures into."""
    if settings.profile == "offline":
        return ConceptVisualEncoder(text, threads=threads)
    if settings.visual_retriever:
        return VisualRetriever(settings.visual_retriever, threads=threads)
    return OpenClipEncoder(settings.clip_model, settings.clip_weights, threads=threads)


def build_lexical_encoder() -> LexicalEncoder:
    return Bm25LexicalEncoder()


def build_entity_recogniser() -> EntityRecogniser:
    return SpacyNameRecogniser()


def build_language_model(settings: Settings) -> LanguageModel | None:
    """Return the language model at the endpoint, or the local one if only a name is given, or None.

    Without one answers are extractive and there are no captions.
    """
    if settings.vlm_url is None:
        return (
            TransformersLanguageModel(settings.vlm_model, threads=indexing_threads(settings))
            if settings.vlm_model
            else None
        )
    return OpenAiLanguageModel(
        settings.vlm_url,
        settings.vlm_model or "",
        api_key=settings.vlm_api_key.get_secret_value() if settings.vlm_api_key else None,
        timeout_s=settings.vlm_timeout_s,
    )


def build_captioner(settings: Settings) -> Captioner | None:
    model = build_language_model(settings)
    return VlmCaptioner(model) if model is not None else None
