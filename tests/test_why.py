"""What a moment says it was found by: words shared, words that answer, and where neither can be told, what is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.lexical import Bm25LexicalEncoder
from adapters.sql_catalogue import SqlCatalogue
from adapters.text_encoder import SentenceTextEncoder
from core.protocols import TextEncoder
from core.records import Box, Evidence, Modality, Moment, Reason, Region, Segment, Span, Word
from core.signals import FloatArray
from core.stores import SegmentPoint
from indexer.embeddings import Encoders, embed_segments
from rag.answering_words import AnsweringWords
from rag.why import mark_matched_lines, name_matched_words
from tests.fakes.encoders import FakeTextEncoder, FakeVisualEncoder
from tests.fakes.segment_index import FakeSegmentIndex

KIN = {"crowds": "people", "standing": "rising", "of": "people"}


class KindredTextEncoder(FakeTextEncoder):
    """Knows that some words mean the same."""

    def _word(self, word: str) -> FloatArray:
        return super()._word(KIN.get(word, word))


class Named:
    """A segment of one piece of evidence, found by a query."""

    def __init__(self, catalogue: SqlCatalogue, text: TextEncoder) -> None:
        self.text, self.index = text, FakeSegmentIndex()
        self._answering = AnsweringWords(catalogue, self.index, text)

    def matched(self, query: str, item: Evidence, *, indexed_as: Evidence | None = None) -> str:
        """Return what the moment of the evidence names; its vectors may be of other words."""
        segment = Segment("s", item.video_id, 0, 0, item.span, (item.id,))
        encoders = Encoders(self.text, FakeVisualEncoder(), Bm25LexicalEncoder())
        (vectors,) = embed_segments([segment], [indexed_as or item], {}, encoders)
        self.index.upsert([SegmentPoint(segment, "default", vectors)])
        reason = Reason(item.modality, 0.5, item.id, " ".join(item.readings))
        moment = Moment("v", "Film", item.span, 0.5, item.modality, (item,), (reason,), None, ("s",))
        (named,) = self._answering.name([name_matched_words(moment, query)], self.text.embed_query_tokens(query))
        return named.reasons[0].matched


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[SqlCatalogue]:
    opened = SqlCatalogue.open(f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield opened
    opened.close()


@pytest.fixture
def named(catalogue: SqlCatalogue) -> Named:
    return Named(catalogue, KindredTextEncoder())


def told(text: str, translation: str | None = None, language: str = "en") -> Evidence:
    return Evidence("e", "v", 0, Span(0, 9), Modality.SPEECH, text, 0.9, "test", language, translation=translation)


def test_a_word_that_is_shared_is_all_that_is_named(named: Named) -> None:
    assert named.matched("crowds in the street", told("People fill the streets of Atlanta.")) == "streets"


def test_a_paraphrase_names_the_words_that_answer_it_in_their_order(named: Named) -> None:
    assert named.matched("crowds are standing", told("The people of Atlanta are rising.")) == "people rising"


def test_a_translation_answers_too(named: Named) -> None:
    item = told("Les gens se lèvent.", "The people get up.", "fr")
    assert named.matched("crowds", item) == "people"


def test_a_shared_run_of_characters_is_a_word_where_there_are_no_spaces(named: Named) -> None:
    assert named.matched("被子固定器", told("一定要用这个辈子固定器。", language="zh")) == "子固定器"


def test_where_words_cannot_be_told_what_is_said_in_the_moment_stands_for_them(named: Named) -> None:
    words = (Word("Long", 0, 2), Word("before.", 2, 4), Word("People", 12, 13), Word("rise.", 13, 14))
    item = replace(told("Long before. People rise."), span=Span(10, 15), words=words)
    assert named.matched("crowds", item, indexed_as=replace(item, text="more words than there are")) == "“People rise.”"
    endless = told("没有人知道这件事情" * 9, language="zh")
    assert named.matched("crowds", endless) == f"“{endless.text[:40]}…”"


TITLE, BULLET, FOOT = (0.1, 0.1, 0.6, 0.2), (0.1, 0.4, 0.9, 0.5), (0.1, 0.9, 0.3, 0.95)
SLIDE = replace(
    told("Tides\nSpring tide at the harbour\nPage 3"), modality=Modality.SCREEN, region=Region(4, (TITLE, BULLET, FOOT))
)


@pytest.mark.parametrize(
    ("matched", "boxes"),
    [
        ("harbour tide", (BULLET,)),
        ("Tides harbour", (TITLE, BULLET)),
        ("“Page 3”", (FOOT,)),
        ("something else", (TITLE, BULLET, FOOT)),
        ("", (TITLE, BULLET, FOOT)),
    ],
)
def test_a_reason_marks_the_lines_in_which_its_words_stand(matched: str, boxes: tuple[Box, ...]) -> None:
    reason = Reason(Modality.SCREEN, 0.5, "e", matched, SLIDE.region)
    moment = Moment("v", "Film", SLIDE.span, 0.5, Modality.SCREEN, (SLIDE,), (reason,))
    (marked,) = mark_matched_lines(moment).reasons
    assert marked == replace(reason, region=Region(4, boxes))
    (elsewhere,) = mark_matched_lines(replace(moment, evidence=())).reasons
    assert elsewhere == reason


@pytest.mark.models
def test_the_offline_model_knows_what_answers_what(catalogue: SqlCatalogue) -> None:
    named = Named(catalogue, SentenceTextEncoder(threads=1))
    assert named.matched("saying goodbye at the end of a call", told("Thank you very much. Thank you. Bye")) == "Bye"
    assert named.matched("the price of the device is displayed", told("For $35. For everyone.")) == "$35"
    paraphrase = named.matched("crowds everywhere are standing up", told("The masses of people are rising up."))
    assert paraphrase == "masses people rising"
