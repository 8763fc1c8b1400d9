"""The contracts of ``core.protocols`` for encoders, name recognisers and language models, over fakes and real engines.

Real weights carry the mark ``models``; engines whose weights come from a hub run on tiny random models built here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from adapters.concepts import ConceptVisualEncoder
from adapters.late_interaction_text import LateInteractionTextEncoder
from adapters.lexical import Bm25LexicalEncoder
from adapters.open_clip_encoder import OpenClipEncoder
from adapters.openai_vlm import OpenAiLanguageModel
from adapters.spacy_names import SpacyNameRecogniser
from adapters.text_encoder import SentenceTextEncoder
from adapters.transformers_vlm import TransformersLanguageModel
from adapters.visual_retriever import VisualRetriever
from core.protocols import EntityRecogniser, LanguageModel, LexicalEncoder, Message, TextEncoder, VisualEncoder
from core.signals import FloatArray, ImageArray
from tests.fakes.encoders import (
    FakeLanguageModel,
    FakeLexicalEncoder,
    FakeNameRecogniser,
    FakeTextEncoder,
    FakeVisualEncoder,
    FakeVisualRetriever,
    picture_of,
)
from tests.fakes.openai_server import running_openai_server
from tests.fakes.tiny_models import (
    jpeg_of,
    save_tiny_clip,
    save_tiny_colbert,
    save_tiny_colqwen,
    save_tiny_llava,
    save_tiny_pylate,
    save_tiny_sentence_model,
)

MAX_ROWS = 64
"""More rows a picture or a query would be too many to compare; a page of a retriever of documents has a thousand."""

REAL = pytest.param("real", marks=pytest.mark.models)


def assert_unit_rows(rows: FloatArray, n_rows: int, dimension: int) -> None:
    assert rows.shape == (n_rows, dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=-1), 1.0, atol=1e-5)


@pytest.fixture(scope="module", params=["fake", "tiny", "tiny-colbert", "tiny-pylate", REAL])
def text_encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    if request.param == "fake":
        return FakeTextEncoder()
    if request.param == "real":
        return SentenceTextEncoder(threads=1)
    dense = SentenceTextEncoder(save_tiny_sentence_model(tmp_path_factory.mktemp("tiny-bert")), threads=1)
    if request.param == "tiny":
        return dense
    save = save_tiny_colbert if request.param == "tiny-colbert" else save_tiny_pylate
    return LateInteractionTextEncoder(save(tmp_path_factory.mktemp(request.param)), dense, threads=1)


class TestTextEncoder:
    def test_every_text_gets_one_unit_vector(self, text_encoder: TextEncoder) -> None:
        texts = ["a dog in a house", "", "cat", "狗 ?!"]
        assert_unit_rows(text_encoder.embed_passages(texts), len(texts), text_encoder.dimension)
        assert_unit_rows(text_encoder.embed_query("a dog")[None], 1, text_encoder.dimension)

    def test_no_texts_give_no_rows(self, text_encoder: TextEncoder) -> None:
        assert text_encoder.embed_passages([]).shape == (0, text_encoder.dimension)
        assert text_encoder.embed_passage_tokens([]) == []

    def test_company_changes_nothing(self, text_encoder: TextEncoder) -> None:
        texts = ["a dog", "a b c d e f g h", "cat"]
        together = text_encoder.embed_passages(texts)
        for text, row in zip(texts, together, strict=True):
            np.testing.assert_allclose(text_encoder.embed_passages([text])[0], row, atol=1e-5)

    def test_tokens_are_the_words_and_nothing_else(self, text_encoder: TextEncoder) -> None:
        dog, both, none = text_encoder.embed_passage_tokens(["dog", "dog cat", ""])
        assert_unit_rows(dog, 1, text_encoder.token_dimension)
        assert_unit_rows(both, 2, text_encoder.token_dimension)
        assert none.shape == (0, text_encoder.token_dimension)

    @pytest.mark.parametrize("text", ["", "a dog in a house", "a dog, a cat!  a house", "a b c dog e " * 40])
    def test_each_token_stands_for_a_stretch_of_its_text(self, text_encoder: TextEncoder, text: str) -> None:
        places = text_encoder.locate_passage_tokens(text)
        (rows,) = text_encoder.embed_passage_tokens([text])
        assert len(places) == len(rows)
        words = [text[start:end] for start, end in places]
        assert [word for word in words if word.isalpha()] == re.findall(r"\w+", text)

    def test_a_query_asks_with_its_words_at_least(self, text_encoder: TextEncoder) -> None:
        rows = text_encoder.embed_query_tokens("dog cat")
        assert 2 <= len(rows) <= MAX_ROWS
        assert_unit_rows(rows, len(rows), text_encoder.token_dimension)

    def test_what_is_alike_stays_alike_on_the_common_scale(self, text_encoder: TextEncoder) -> None:
        for scale in (text_encoder.text_scale, text_encoder.token_scale):
            read = scale.read(np.array([-1.0, 0.1, 0.5, 0.9], dtype=np.float32))
            assert read.dtype == np.float32
            assert (np.diff(read) > 0).all()

    def test_tokens_know_their_company_but_not_their_batch(self, text_encoder: TextEncoder) -> None:
        texts = ["a dog", "a b c d e f g h", "cat"]
        together = text_encoder.embed_passage_tokens(texts)
        for text, rows in zip(texts, together, strict=True):
            np.testing.assert_allclose(text_encoder.embed_passage_tokens([text])[0], rows, atol=1e-5)

    def test_the_end_of_a_long_text_counts(self, text_encoder: TextEncoder) -> None:
        start = "a b c d e f g h i j k l m n o p " * 40
        (tokens,) = text_encoder.embed_passage_tokens([start + "dog"])
        assert len(tokens) == 16 * 40 + 1
        dog, cat = text_encoder.embed_passages([start + "dog", start + "cat"])
        assert not np.allclose(dog, cat, atol=1e-6)

    def test_a_query_meets_its_passage(self, text_encoder: TextEncoder) -> None:
        passages = ["the dog sleeps in the house", "prices rose by nine percent", "we boarded a ship at dawn"]
        assert int(np.argmax(text_encoder.embed_passages(passages) @ text_encoder.embed_query(passages[0]))) == 0


@pytest.fixture(scope="module", params=["fake", "fake-rows", "tiny", "tiny-colqwen", REAL])
def visual_encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> VisualEncoder:
    if request.param.startswith("fake"):
        return FakeVisualRetriever() if request.param == "fake-rows" else FakeVisualEncoder()
    if request.param == "tiny":
        folder = save_tiny_clip(tmp_path_factory.mktemp("clips") / "tiny-clip")
        return OpenClipEncoder(f"local-dir:{folder}", threads=1)
    if request.param == "tiny-colqwen":
        return VisualRetriever(save_tiny_colqwen(tmp_path_factory.mktemp("colqwen")), threads=1)
    return ConceptVisualEncoder(SentenceTextEncoder(threads=1), threads=1)


class TestVisualEncoder:
    def test_pictures_of_any_size_and_texts_share_a_space(self, visual_encoder: VisualEncoder) -> None:
        pictures: list[ImageArray] = [
            picture_of("red"),
            picture_of("blue", width_px=7, height_px=300),
            picture_of("black", width_px=1, height_px=1),
        ]
        embedded = [*visual_encoder.embed_pictures(pictures), visual_encoder.embed_query("something blue")]
        assert len(embedded) == 4
        for rows in embedded:
            assert 1 <= len(rows) <= MAX_ROWS
            assert_unit_rows(rows, len(rows), visual_encoder.dimension)

    def test_a_better_fit_stays_better_on_the_scale_of_texts(self, visual_encoder: VisualEncoder) -> None:
        scaled = visual_encoder.on_text_scale(np.array([-1.0, 0.1, 0.2, 0.3, 0.9], dtype=np.float32))
        assert scaled.dtype == np.float32
        assert (np.diff(scaled) > 0).all()

    def test_no_pictures_give_no_rows(self, visual_encoder: VisualEncoder) -> None:
        assert visual_encoder.embed_pictures([]) == []

    def test_company_changes_nothing(self, visual_encoder: VisualEncoder) -> None:
        pictures = [picture_of(colour) for colour in ("red", "green", "white")] * 7
        together = visual_encoder.embed_pictures(pictures)
        (alone,) = visual_encoder.embed_pictures(pictures[1:2])
        np.testing.assert_allclose(alone, together[1], atol=1e-4)
        np.testing.assert_allclose(together[1], together[-2], atol=1e-4)


@pytest.fixture(params=["fake", "real"])
def lexical_encoder(request: pytest.FixtureRequest) -> LexicalEncoder:
    return FakeLexicalEncoder() if request.param == "fake" else Bm25LexicalEncoder()


class TestLexicalEncoder:
    def test_a_query_shares_terms_with_its_passage_only(self, lexical_encoder: LexicalEncoder) -> None:
        passage = lexical_encoder.encode_passage("The LIGHTHOUSE was built in 1848, at 10:42.")
        for query in ("lighthouse", "1848", "10:42"):
            terms = lexical_encoder.encode_query(query).indices
            assert terms
            assert set(terms) <= set(passage.indices)
        assert not set(lexical_encoder.encode_query("penguin").indices) & set(passage.indices)

    def test_terms_are_unique_and_weigh_something(self, lexical_encoder: LexicalEncoder) -> None:
        passage = lexical_encoder.encode_passage("rover rover wheel")
        assert len(set(passage.indices)) == len(passage.indices) == 2
        assert min(passage.values) > 0
        assert lexical_encoder.encode_query("rover rover").values == (1.0,)

    def test_nothing_gives_nothing(self, lexical_encoder: LexicalEncoder) -> None:
        assert lexical_encoder.encode_passage("").indices == ()
        assert lexical_encoder.encode_query(" ?! ").indices == ()


@pytest.fixture(scope="module", params=["fake", REAL])
def recogniser(request: pytest.FixtureRequest) -> EntityRecogniser:
    return FakeNameRecogniser() if request.param == "fake" else SpacyNameRecogniser(threads=1)


class TestEntityRecogniser:
    def test_names_stand_where_they_say(self, recogniser: EntityRecogniser) -> None:
        texts = ["Yesterday in the garden, Marie Curie met Albert Einstein.", "", "nothing here"]
        first, *others = recogniser.find_names(texts)
        assert [(name.text, name.kind) for name in first] == [("Marie Curie", "person"), ("Albert Einstein", "person")]
        assert all(texts[0][name.start : name.end] == name.text for name in first)
        assert others == [[], []]

    def test_no_texts_give_nothing(self, recogniser: EntityRecogniser) -> None:
        assert recogniser.find_names([]) == []


@pytest.fixture(scope="module", params=["fake", "openai", "transformers"])
def language_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageModel]:
    if request.param == "openai":
        with running_openai_server() as server:
            model = OpenAiLanguageModel(server.base_url, "tiny")
            yield model
            model.close()
    elif request.param == "transformers":
        folder: Path = save_tiny_llava(tmp_path_factory.mktemp("llava"))
        yield TransformersLanguageModel(folder, threads=1, max_new_tokens=4)
    else:
        yield FakeLanguageModel()


class TestLanguageModel:
    def test_texts_and_pictures_get_a_reply(self, language_model: LanguageModel) -> None:
        asked = [Message("system", ("be brief",)), Message("user", ("what is it", jpeg_of("red"), "?"))]
        assert isinstance(language_model.complete(asked), str)

    def test_a_schema_may_be_given(self, language_model: LanguageModel) -> None:
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
        assert isinstance(language_model.complete([Message("user", ("what is it",))], schema=schema), str)
