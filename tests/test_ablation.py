"""Steps left out one by one, the trade-off of the cut-off, parameters chosen across videos, and the page of figures."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks.parameters import constants_set, read_values
from core.plans import QueryPlan
from core.protocols import SearchRequest
from core.records import Answer, Evidence, Modality, Moment, Span
from evaluation.ablation import (
    ALL,
    list_question_variants,
    list_variants,
    run_ablation,
    run_question_ablation,
)
from evaluation.corpus import Corpus, MomentQuery, Place, QuestionCase
from evaluation.crossval import cross_validate
from evaluation.cutoff import EMPTY, R5, R5_LOST, CutOff, as_facts, choose_floor, trace_cut_off
from evaluation.document import describe_library, write_section
from evaluation.library import Remembering
from evaluation.report import as_json, question_variant_table, variant_table
from evaluation.runner import run_corpus
from evaluation.summary import summarise
from rag.search import keep_relevant
from rag.steps import Steps
from tests.fakes.encoders import FakeTextEncoder
from tests.fakes.search import FakeMomentFinder, FakeQuestionAnswerer

CLIPS = {f"id-{number}": f"{number}.mp4" for number in range(10)}


def moment(video_id: str, score: float) -> Moment:
    said = Evidence("e", video_id, 0, Span(4, 8), Modality.SPEECH, "what is said", 0.9, "a model")
    return Moment(video_id, "a title", said.span, score, Modality.SPEECH, (said,))


CORPUS = Corpus(
    half="fake",
    clips=(),
    queries=tuple(
        MomentQuery(f"query {number}", f"{number}.mp4", (Span(4, 8),), "speech", "natural") for number in range(10)
    ),
    questions=(),
    negatives=("nothing of the kind", "nor this"),
)


class FakeFinder(FakeMomentFinder):
    """Finds each query's moment well and something poor for all else; without its lexical step nothing right."""

    def __init__(self, steps: Steps, *, floor: float = 0.5) -> None:
        super().__init__()
        self.steps = steps
        self.floor = floor

    def plan(self, request: SearchRequest) -> QueryPlan:
        """Return a plan that asks for speech for every other query: it is searched anew for each floor."""
        is_plain = request.query[-1] in "02468"
        return QueryPlan(request.query, request.query, intent=None if is_plain else Modality.SPEECH)

    def find(self, request: SearchRequest) -> tuple[Moment, ...]:
        right = request.query.replace("query ", "id-")
        allowed = request.video_ids or tuple(CLIPS)
        if right in allowed and self.steps.lexical:
            return (moment(right, 0.7),)
        found = moment(next(video_id for video_id in allowed if video_id != right), 0.345)
        return tuple(keep_relevant([found], None, floor=self.floor)) if self.steps.cut_off else (found,)


def test_a_step_that_matters_shows_and_one_that_does_not_shows_nothing() -> None:
    variants = {variant.name: variant for variant in run_ablation(CORPUS, FakeFinder, CLIPS)}
    assert list(variants) == list(list_variants())
    assert variants["without lexical"].differences["recall_at_1"].mean == -1.0
    assert variants["without lexical"].differences["recall_at_1"].is_sure
    assert not variants["without merging"].differences["ndcg_at_10"].is_sure
    negatives = {name: variant.summary.negatives for name, variant in variants.items()}
    assert [negatives[name].empty for name in (ALL, "without cut off")] == [1.0, 0.0]


PLACES = (Place("1.mp4", Span(4, 8)), Place("2.mp4", Span(4, 8)))
QUESTIONS = Corpus(
    half="fake",
    clips=(),
    queries=(),
    questions=(
        QuestionCase("what is said?", "what is said", PLACES[:1], "what", None),
        QuestionCase("what joins them?", "a name", PLACES, "what", None, n_hops=2),
    ),
    negatives=(),
)


def answer_with(steps: Steps) -> FakeQuestionAnswerer:
    """Find both places, and the first alone where nothing is followed."""
    moments = tuple(moment(f"id-{number}", 0.7) for number in (1, 2)[: 1 + steps.hops])
    return FakeQuestionAnswerer(reply=Answer("what is said", (), moments))


def test_a_step_of_questions_shows_where_it_matters_and_nowhere_else() -> None:
    variants = run_question_ablation(QUESTIONS, answer_with, CLIPS)
    names = list(list_question_variants())
    assert [(variant.group, variant.name) for variant in variants] == [
        (group, name) for group in ("all", "multi-hop") for name in names
    ]
    found = {(variant.group, variant.name): variant for variant in variants}
    assert found["multi-hop", "without hops"].differences["all_found_at_5"].mean == -1.0
    assert found["all", "without hops"].differences["all_found_at_5"].mean == -0.5
    assert found["multi-hop", ALL].scores.n_questions == 1
    assert not found["all", "without graph"].differences["evidence_recall_at_5"].is_sure
    section = describe_library(
        "fake", {}, summarise(run_corpus(QUESTIONS, lambda *_: (), None, CLIPS)), (), None, variants
    )
    assert "| multi-hop: without hops | 1 | **-0.500 [-0.50, -0.50]** | **-1.000 [-1.00, -1.00]** |" in section
    screen = StringIO()
    Console(file=screen, width=80).print(question_variant_table(variants))
    assert "multi-hop: without passages" in screen.getvalue()
    assert "…" not in screen.getvalue()


def test_a_corpus_without_questions_has_no_steps_of_questions() -> None:
    assert run_question_ablation(CORPUS, answer_with, CLIPS) == []


def trace() -> CutOff:
    return trace_cut_off(CORPUS, FakeFinder, CLIPS)


def test_the_cut_off_is_traced_and_chosen_without_the_video_it_is_judged_on() -> None:
    cut_off = trace()
    facts = as_facts(cut_off)
    by_floor = {row["floor"]: row for row in facts["floors"]}
    assert (by_floor[0.3]["negatives empty"], by_floor[0.3]["absent empty"], by_floor[0.3]["R@5"]) == (0.0, 0.0, 1.0)
    assert (by_floor[0.32]["negatives empty"], by_floor[0.32]["absent empty"], by_floor[0.32]["R@5"]) == (1.0, 1.0, 1.0)
    assert facts["held_out"]["floor"] == 0.6
    assert facts["held_out"]["negatives empty"] == 1.0
    assert json.dumps(facts)


def test_the_floor_may_cost_little_recall() -> None:
    kept, cut = np.full((50, 5), np.nan), np.full((50, 5), np.nan)
    kept[:40, R5], kept[:40, R5_LOST], kept[40:, EMPTY] = 1.0, 0.0, 0.5
    cut[:40, R5], cut[:40, R5_LOST], cut[40:, EMPTY] = 0.9, 0.1, 1.0
    assert choose_floor({0.1: kept, 0.5: cut}) == 0.1
    cut[:40, R5], cut[:40, R5_LOST] = 0.99, 0.01
    assert choose_floor({0.1: kept, 0.5: cut}) == 0.5


def test_a_value_that_suits_one_video_alone_is_not_chosen_for_it() -> None:
    units = ["a", "a", "b", "c"]
    suits_a, suits_others = np.array([[1.0], [1.0], [0.0], [0.0]]), np.array([[0.0], [0.0], [1.0], [1.0]])
    held_out = cross_validate({"a's": suits_a, "others'": suits_others}, units)
    assert held_out.setting_by_unit["a"] == "others'"
    assert held_out.means[0] == 0.0
    with pytest.raises(ValueError, match="at least two"):
        cross_validate({"x": suits_a}, ["a"] * 4)


def test_a_constant_that_is_tried_is_put_back() -> None:
    found = [moment("id-1", 0.7), moment("id-2", 0.5)]
    name, values = read_values("rag.search.SHARE_OF_BEST=0.9,0.5")
    with constants_set({name: values[0]}):
        assert len(keep_relevant(found, None)) == 1
    assert len(keep_relevant(found, None)) == 2


def test_each_query_is_encoded_once() -> None:
    class Counting(FakeTextEncoder):
        n_encoded = 0

        def embed_query(self, text: str) -> np.ndarray:
            self.n_encoded += 1
            return super().embed_query(text)

    encoder = Counting()
    remembering = Remembering(encoder)
    assert remembering.dimension == encoder.dimension
    assert [remembering.embed_query("lamp").tolist() for _ in range(3)] == [encoder.embed_query("lamp").tolist()] * 3
    assert encoder.n_encoded == 2
    assert len(remembering.embed_passages(["lamp"])) == 1


def page_of(corpus: Corpus) -> tuple[str, str]:
    """Return the section and the JSON of a run."""
    outcomes = run_corpus(corpus, lambda query, limit: FakeFinder(Steps()).find(SearchRequest(query)), None, CLIPS)
    variants, cut_off, summary = run_ablation(corpus, FakeFinder, CLIPS), trace(), summarise(outcomes)
    screen = StringIO()
    Console(file=screen, width=80).print(variant_table(variants))
    assert "without lexical" in screen.getvalue()
    assert "…" not in screen.getvalue()
    section = describe_library("fake", {"profile": "offline"}, summary, variants, cut_off)
    return section, as_json(summary, {}, {"cut_off": as_facts(cut_off)})


def test_the_page_shows_every_figure_and_its_interval() -> None:
    section, facts = page_of(CORPUS)
    assert "| **overall** | 10 | 1.000 [1.0–1.0] |" in section
    assert "| without lexical | **-1.000 [-1.00, -1.00]** |" in section
    assert "xychart-beta" in section
    assert json.loads(facts)["cut_off"]["current"]["R@1"] == 1.0


def test_a_library_replaces_its_own_section_and_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "evaluation.md"
    for name, section in (("dev", "first"), ("lectures", "other"), ("dev", "second")):
        write_section(page, name, f"## {name}\n\n{section}\n")
    text = page.read_text()
    assert text.startswith("# How well Kinograph finds")
    assert [word for word in ("first", "second", "other") if f"\n{word}\n" in text] == ["second", "other"]
    assert text.index("second") < text.index("other")
