"""Scores against cases computed by hand, the corpus reader, and a whole run over fakes."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from api.schemas import AnswerView, SearchView
from core.plans import QueryPlan
from core.protocols import SearchRequest
from core.records import Answer, Citation, Evidence, Modality, Moment, Span
from evaluation.bootstrap import bootstrap_intervals
from evaluation.corpus import Corpus, MomentQuery, Place, QuestionCase
from evaluation.details import describe_outcomes
from evaluation.memory import SAMPLE_S, MemoryMeter
from evaluation.metrics import (
    Judgement,
    is_hit,
    judge_ranking,
    score_judgements,
    share_of_places_found,
)
from evaluation.replies import read_answer, read_moments
from evaluation.report import as_json, print_summary
from evaluation.runner import run_corpus
from evaluation.summary import summarise

CLIP_BY_ID = {"id-a": "a.mp4", "id-b": "b.mp4"}


def ask_for(start_s: float, end_s: float, *more: tuple[float, float], modality: str = "visual") -> MomentQuery:
    spans = (Span(start_s, end_s), *(Span(*bounds) for bounds in more))
    return MomentQuery("a query", "a.mp4", spans, modality, "natural")


def moment(video_id: str, start_s: float, end_s: float) -> Moment:
    said = Evidence("e", video_id, 0, Span(start_s, end_s), Modality.SPEECH, "what is said", 0.9, "a model")
    return Moment(video_id, "a title", said.span, 0.5, Modality.SPEECH, (said,))


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ((0, 10), (2, 4), True),  # the short moment lies inside: overlap 2 of 2
        ((3, 5), (0, 10), True),  # the short result lies inside
        ((0, 4), (2, 10), True),  # overlap 2 is half of the shorter, 4
        ((0, 4), (2.1, 10), False),  # overlap 1.9, and the middle 2 lies outside
        ((0, 10), (10, 20), False),  # they only touch
        ((8, 9), (0, 4), False),
    ],
)
def test_a_hit_shares_half_of_the_shorter_or_has_its_middle_inside(
    found: tuple[float, float], wanted: tuple[float, float], expected: bool
) -> None:
    assert is_hit(Span(*found), Span(*wanted)) is expected


def test_any_of_several_right_spans_counts() -> None:
    query = ask_for(0, 2, (30, 34))
    assert judge_ranking([Place("a.mp4", Span(30, 32))], query) == Judgement(1, 1, 0.5, 1)


def test_the_right_span_in_the_wrong_clip_is_a_miss() -> None:
    assert judge_ranking([Place("b.mp4", Span(4, 8))], ask_for(4, 8)) == Judgement(None, None, 0.0, 1)


def test_nothing_found_is_a_miss_in_every_measure() -> None:
    scores = score_judgements([judge_ranking([], ask_for(4, 8))], ["a"])
    assert (scores.recall_at_10, scores.mrr, scores.ndcg_at_10, scores.mean_iou_at_1) == (0, 0, 0, 0)


def test_rank_measures_agree_with_hand_computed_ones() -> None:
    judgements = [
        Judgement(rank=1, clip_rank=1, iou_at_1=0.8, n_found=10),
        Judgement(rank=3, clip_rank=1, iou_at_1=0.1, n_found=10),
        Judgement(rank=10, clip_rank=2, iou_at_1=0.0, n_found=10),
        Judgement(rank=None, clip_rank=None, iou_at_1=0.0, n_found=0),
    ]
    scores = score_judgements(judgements, ["a", "b", "c", "d"])
    assert (scores.recall_at_1, scores.recall_at_5, scores.recall_at_10) == (0.25, 0.5, 0.75)
    assert scores.mrr == pytest.approx((1 + 1 / 3 + 1 / 10) / 4)
    assert scores.ndcg_at_10 == pytest.approx((1 + 1 / math.log2(4) + 1 / math.log2(11)) / 4)
    assert (scores.iou_half_at_1, scores.video_recall_at_1) == (0.25, 0.5)
    assert scores.mean_iou_at_1 == pytest.approx(0.225)
    low, high = scores.intervals["ndcg_at_10"]
    assert 0 <= low < scores.ndcg_at_10 < high <= 1


def test_a_second_result_on_the_same_moment_gains_nothing() -> None:
    once = judge_ranking([Place("a.mp4", Span(4, 8))], ask_for(4, 8))
    twice = judge_ranking([Place("a.mp4", Span(4, 8)), Place("a.mp4", Span(5, 8))], ask_for(4, 8))
    assert score_judgements([twice], ["a"]).ndcg_at_10 == score_judgements([once], ["a"]).ndcg_at_10 == 1.0


def test_scoring_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no judged queries"):
        score_judgements([], [])


def test_the_bootstrap_gives_the_same_interval_again() -> None:
    columns, units = {"hits": [0.0, 1.0, 0.5, 0.2, 0.9] * 10}, [str(number) for number in range(50)]
    assert bootstrap_intervals(columns, units) == bootstrap_intervals(columns, units)


def test_queries_of_one_video_are_drawn_together() -> None:
    hits = [1.0] * 10 + [0.0] * 10
    apart = bootstrap_intervals({"hits": hits}, [str(number) for number in range(20)])["hits"]
    together = bootstrap_intervals({"hits": hits}, ["a"] * 10 + ["b"] * 10)["hits"]
    assert together == (0.0, 1.0)
    assert 0.2 < apart[0] < apart[1] < 0.8


def test_a_library_of_few_videos_is_drawn_by_the_minute() -> None:
    outcomes = run_corpus(small_corpus(), FakeSystem().search, None, CLIP_BY_ID)
    [scores] = summarise(replace(outcomes, queries=outcomes.queries * 2)).by_style.values()
    assert scores.n_units == 1
    far = replace(outcomes.queries[0], query=ask_for(400, 408))
    [scores] = summarise(replace(outcomes, queries=(*outcomes.queries, far))).by_style.values()
    assert scores.n_units == 2


def test_queries_are_grouped_by_the_length_of_their_right_span() -> None:
    outcomes = run_corpus(small_corpus(), FakeSystem().search, None, CLIP_BY_ID)
    queries = tuple(
        replace(outcomes.queries[0], query=ask_for(0, end_s, (0, 30)))  # the first right span counts
        for end_s in (90, 3, 61, 8)
    )
    summary = summarise(replace(outcomes, queries=queries))
    assert [(name, scores.n_queries) for name, scores in summary.by_length.items()] == [
        ("≤ 3 s", 1),
        ("3–8 s", 1),
        ("> 60 s", 2),
    ]
    shown = StringIO()
    print_summary(summary, Console(file=shown, width=100))
    assert "> 60 s" in shown.getvalue()


def test_evidence_recall_counts_places_not_results() -> None:
    places = [Place("a.mp4", Span(0, 4)), Place("b.mp4", Span(0, 4))]
    both_on_one = [Place("a.mp4", Span(0, 4)), Place("a.mp4", Span(1, 3))]
    assert share_of_places_found(both_on_one, places) == 0.5


class FakeSystem:
    """Finds the same moment for everything but one query, and cites it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def search(self, query: str, limit: int) -> Sequence[Moment]:
        return () if query == "nothing" else (moment("id-b", 0, 4), moment("id-a", 4, 8))[:limit]

    def search_uncut(self, query: str, limit: int) -> Sequence[Moment]:
        return (*self.search(query, limit), moment("id-a", 40, 48))

    def ask(self, question: str, video_ids: Sequence[str]) -> Answer:
        self.asked.append(tuple(video_ids))
        citation = Citation("[1]", "id-a", "a title", Span(4, 8), "what is said")
        return Answer("It is red [1].", (citation,), (moment("id-b", 0, 4),))


def small_corpus() -> Corpus:
    evidence = (Place("a.mp4", Span(4, 8)), Place("b.mp4", Span(0, 4)))
    return Corpus(
        half="fake",
        clips=(),
        queries=(ask_for(4, 8), ask_for(40, 48, modality="speech")),
        questions=(
            QuestionCase("Which colour?", "red", evidence, "what", None, n_hops=2),
            QuestionCase("How many?", "two", evidence[:1], "count", "a.mp4"),
        ),
        negatives=("nothing", "something"),
    )


def test_a_run_asks_everything_and_sums_it_up() -> None:
    system = FakeSystem()
    done: list[str] = []
    outcomes = run_corpus(small_corpus(), system.search, system.ask, CLIP_BY_ID, on_done=done.append)
    summary = summarise(outcomes)
    assert done == ["moment"] * 2 + ["negative"] * 2 + ["question"] * 2
    assert system.asked == [(), ("id-a",)]
    assert summary.overall is not None
    assert (summary.overall.recall_at_1, summary.overall.recall_at_5, summary.overall.mrr) == (0.0, 0.5, 0.25)
    assert summary.by_modality["visual"].recall_at_5 == 1.0
    assert summary.by_modality["speech"].recall_at_10 == 0.0
    assert summary.negatives is not None
    assert (summary.negatives.empty, summary.negatives.best_score) == (0.5, 0.5)
    assert summary.questions is not None
    assert (summary.questions.evidence_recall_at_5, summary.questions.citation_recall) == (0.25, 0.75)
    assert summary.questions_by_kind["what"].answer_words == 1.0
    assert summary.multi_hop is not None
    assert (summary.multi_hop.n_questions, summary.multi_hop.evidence_recall_at_5) == (1, 0.5)
    assert (summary.multi_hop.all_found_at_5, summary.questions.intervals["abstained"]) == (0.0, (0.0, 0.0))


def test_what_the_cut_off_costs_is_told() -> None:
    system = FakeSystem()
    outcomes = run_corpus(small_corpus(), system.search, None, CLIP_BY_ID, search_uncut=system.search_uncut)
    assert [outcome.uncut and outcome.uncut.rank for outcome in outcomes.queries] == [2, 3]
    assert summarise(outcomes).recall_at_5_lost == 0.5


def test_figures_come_as_tables_as_json_and_query_by_query() -> None:
    system = FakeSystem()
    outcomes = run_corpus(small_corpus(), system.search, system.ask, CLIP_BY_ID)
    summary = summarise(outcomes)
    screen = StringIO()
    print_summary(summary, Console(file=screen, width=160))
    assert "nDCG@10" in screen.getvalue()
    assert "Negatives answered with nothing: 0.50 [.00–1.0] of 2" in screen.getvalue()
    figures = json.loads(as_json(summary, {"took_s": 1.0}))
    assert (figures["overall"]["n_queries"], figures["indexing"]["took_s"]) == (2, 1.0)
    lines = [json.loads(line) for line in describe_outcomes(outcomes, CLIP_BY_ID)]
    assert [line["kind"] for line in lines] == ["moment"] * 2 + ["negative"] * 2 + ["question"] * 2
    assert (lines[0]["rank"], lines[0]["hits"], lines[0]["top"][1]["clip"]) == (2, [2], "a.mp4")


def test_a_system_without_answers_is_only_searched() -> None:
    outcomes = run_corpus(small_corpus(), FakeSystem().search, None, CLIP_BY_ID)
    assert outcomes.questions == ()
    assert summarise(outcomes).questions is None


def test_replies_of_the_api_are_read_back_as_they_were() -> None:
    found = FakeSystem().search("something", 10)
    assert read_moments(
        SearchView.of(found, QueryPlan("something", "something"), SearchRequest("something")).model_dump(mode="json")
    ) == tuple(found)
    answer = FakeSystem().ask("Which colour?", ())
    assert read_answer(AnswerView.of(answer).model_dump(mode="json")) == answer


def test_memory_is_told_by_the_module_that_runs(tmp_path: Path) -> None:
    (tmp_path / "hold.py").write_text("import sys\nheld = b'x' * 60_000_000\nprint(flush=True)\nsys.stdin.read()\n")
    command = [sys.executable, "-m", "hold"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with MemoryMeter(child.pid) as meter:
            deadline_s = time.monotonic() + 40 * SAMPLE_S
            while not meter.peak_bytes and time.monotonic() < deadline_s:
                time.sleep(SAMPLE_S / 5)
        child.communicate()
    assert meter.peak_bytes.keys() == {"hold"}
    assert meter.peak_total_bytes >= meter.peak_bytes["hold"] >= 60_000_000
