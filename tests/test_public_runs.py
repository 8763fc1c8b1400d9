"""Runs of whole public sets over fakes: what is asked of the system, and the figures that come out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from api.client import Client
from core.errors import BadInput, TryAgain
from core.records import Answer, Citation, Evidence, Modality, Moment, Span
from evaluation.memory import MemoryMeter
from evaluation.public.__main__ import check_runnable
from evaluation.public.judge import JudgeFailed, Marks
from evaluation.public.library import claim_home, search_with
from evaluation.public.options import MatchedBy
from evaluation.public.questions import Verdict, free_text, run_questions, summarise_questions
from evaluation.public.reasons import describe_left_out
from evaluation.public.records import Marking, PublicSet, SetQuestion, SetVideo, SpanQuery, Task, Unusable, VideoQuery
from evaluation.public.searches import run_searches, summarise_searches
from evaluation.public.summary import Conditions, as_json, name_groups, print_run
from evaluation.service import Service
from tests.fakes.encoders import FakeLanguageModel, FakeTextEncoder

HERE = Path("a video")


def moment(video_id: str, start_s: float, end_s: float) -> Moment:
    said = Evidence("e", video_id, 0, Span(start_s, end_s), Modality.SPEECH, "what is said", 0.9, "a model")
    return Moment(video_id, "a title", said.span, 0.5, Modality.SPEECH, (said,))


def videos(*names: str) -> tuple[SetVideo, ...]:
    return tuple(SetVideo(name, HERE) for name in names)


class FakeSearch:
    """Returns what it was told to find, and remembers how it was asked."""

    def __init__(self, found: Mapping[str, Sequence[Moment]]) -> None:
        self.found = found
        self.asked: list[tuple[str, tuple[str, ...], bool]] = []

    def __call__(self, query: str, video_ids: Sequence[str], by_video: bool) -> Sequence[Moment]:
        self.asked.append((query, tuple(video_ids), by_video))
        return self.found.get(query, ())


def test_a_search_for_videos_is_scored_by_rank() -> None:
    queries = (
        VideoQuery("1", "fire", (("a", 2), ("b", 1))),
        VideoQuery("2", "mill", (("c", 1),)),
        VideoQuery("3", "lost", (("gone", 1),)),
    )
    asked = PublicSet("multivent-2", Task.VIDEOS, (*videos("a", "b", "c"), SetVideo("gone", None)), queries)
    search = FakeSearch({"fire": [moment("id-a", 0, 4), moment("id-b", 0, 4)], "mill": [moment("id-a", 0, 4)]})
    outcomes = run_searches(asked, search, {"a": "id-a", "b": "id-b", "c": "id-c"})
    assert search.asked == [("fire", (), True), ("mill", (), True)]
    summary = summarise_searches(asked, outcomes)
    assert (summary.n_run, asked.n_cases, asked.missing) == (2, 3, ("gone",))
    assert summary.figures["nDCG@10"] == 0.5
    assert summary.figures["R@10"] == 0.5
    assert summary.figures["MdR"] is None  # the median lies between rank 1 and nowhere


def test_captions_are_searched_for_as_they_stand() -> None:
    sent: list[dict[str, object]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        plan = {"text": "q", "understood": [], "intent": None, "phrases": [], "language": None}
        return httpx.Response(200, json={"moments": [], "plan": plan})

    http = httpx.Client(base_url="http://kinograph", transport=httpx.MockTransport(reply))
    with http, Client("http://kinograph") as client:
        service = Service(client, http, 0.0, MemoryMeter(os.getpid()))
        for cut_off in (False, True):
            search_with(service, cut_off=cut_off)('people say "run" near the quay', ["id"], False)
    assert [(body["query"], body["plan"], body["min_score"]) for body in sent] == [
        ('people say "run" near the quay', "none", 0.0),
        ('people say "run" near the quay', "none", None),
    ]


def test_two_names_of_one_file_are_both_right() -> None:
    asked = PublicSet("msr-vtt", Task.VIDEOS, videos("a", "twin"), (VideoQuery("1", "fire", (("twin", 1),)),))
    outcomes = run_searches(asked, FakeSearch({"fire": [moment("id", 0, 4)]}), {"a": "id", "twin": "id"})
    summary = summarise_searches(asked, outcomes)
    assert (summary.figures["R@1"], summary.figures["MdR"]) == (1.0, 1.0)


def test_moments_of_a_known_video_are_looked_for_in_it_alone() -> None:
    queries = (
        SpanQuery("1", "turn", "a", (Span(4, 10),), frozenset({3})),
        SpanQuery("2", "run", "b", (Span(0, 10), Span(20, 30)), frozenset({0})),
    )
    asked = PublicSet("qvhighlights", Task.MOMENTS, videos("a", "b"), span_queries=queries)
    search = FakeSearch({"turn": [moment("id-a", 5, 10)], "run": [moment("id-b", 40, 50), moment("id-b", 21, 30)]})
    summary = summarise_searches(asked, run_searches(asked, search, {"a": "id-a", "b": "id-b"}))
    assert search.asked == [("turn", ("id-a",), False), ("run", ("id-b",), False)]
    assert {name: summary.figures[name] for name in ("R1@0.3", "R1@0.5", "R1@0.7", "HIT@1")} == {
        "R1@0.3": 0.5,
        "R1@0.5": 0.5,
        "R1@0.7": 0.5,
        "HIT@1": 0.5,
    }
    assert summary.figures["mIoU"] == pytest.approx(5 / 6 / 2)
    assert summary.figures["mAP@0.5"] == pytest.approx((1 + 1 / 2 / 2) / 2)
    assert summary.figures["mAP@0.75"] == pytest.approx((1 + 1 / 2 / 2) / 2)
    assert summary.intervals["mIoU"] == pytest.approx((0.0, 5 / 6))
    assert summary.by_group["windows"]["short"]["n"] == 2


def test_sets_without_ratings_have_no_hit_at_one() -> None:
    asked = PublicSet(
        "charades-sta", Task.MOMENTS, videos("a"), span_queries=(SpanQuery("1", "sit", "a", (Span(4, 10),)),)
    )
    summary = summarise_searches(asked, run_searches(asked, FakeSearch({}), {"a": "id-a"}))
    assert "HIT@1" not in summary.figures
    assert summary.figures["mIoU"] == 0.0


def test_moments_of_the_whole_corpus_need_the_right_video_and_fit() -> None:
    queries = (
        SpanQuery("1", "hide", "a", (Span(10, 20),), groups=(("type", "video"),)),
        SpanQuery("2", "say", "b", (Span(50, 58),), groups=(("type", "subtitles"),)),
    )
    asked = PublicSet("tvr", Task.CORPUS_MOMENTS, videos("a", "b"), span_queries=queries)
    search = FakeSearch(
        {
            "hide": [moment("id-b", 10, 20), moment("id-a", 10, 16), moment("id-a", 11, 20)],
            "say": [moment("id-b", 50, 58)],
        }
    )
    summary = summarise_searches(asked, run_searches(asked, search, {"a": "id-a", "b": "id-b"}))
    assert search.asked[0] == ("hide", (), False)
    assert (summary.figures["R@1 IoU 0.5"], summary.figures["R@5 IoU 0.7"], summary.figures["video R@1"]) == (
        0.5,
        1,
        0.5,
    )
    assert summary.by_group["type"]["subtitles"]["R@1 IoU 0.7"] == 1.0
    assert summary.by_group["type"]["video"]["n"] == 1


CHOICE = SetQuestion(
    "1",
    "What stands there?",
    "a",
    Marking.CHOICE,
    ("a mill", "a tower"),
    right=1,
    places=(Span(10, 14), Span(50, 54)),
    groups=(("length", "short"),),
)
OPEN = SetQuestion("2", "Why?", "a", Marking.JUDGED, reference="The lamp went out.", groups=(("length", "long"),))
SCENE = SetQuestion("3", "Describe it.", "a", Marking.SCENE, points=("It lands",), groups=(("type", "subPlot"),))
SIGN = SetQuestion("4", "What does it read?", "a", Marking.CONTAINS, reference="open; daily")
IDS = {"a": "id-a"}


def answer(text: str, **changes: object) -> Answer:
    said = Answer(text, (Citation("[1]", "id-a", "A mill", Span(0, 4), "It is a tower."),), (moment("id-a", 11, 15),))
    return replace(said, **changes)  # type: ignore[arg-type]


def set_of(*questions: SetQuestion, name: str = "video-mme") -> PublicSet:
    return PublicSet(name, Task.QUESTIONS, videos("a"), questions=questions)


def always(reply: Answer) -> Callable[[str, Sequence[str], Sequence[str]], Answer]:
    return lambda _question, _video_ids, _options: reply


def test_a_question_is_asked_of_its_video_alone_with_its_options_beside_it() -> None:
    heard: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []

    def ask(question: str, video_ids: Sequence[str], options: Sequence[str]) -> Answer:
        heard.append((question, tuple(video_ids), tuple(options)))
        return answer("It is a tower [1].")

    [outcome] = run_questions(set_of(CHOICE), ask, None, FakeTextEncoder(), IDS)
    assert heard == [("What stands there?", ("id-a",), ("a mill", "a tower"))]
    assert (outcome.verdict, outcome.matched_by, outcome.places_found) == (Verdict.RIGHT, MatchedBy.WORDS, 0.5)


def test_an_abstention_counts_as_wrong_but_is_told_apart() -> None:
    replies = iter([answer("It is a tower."), answer("", abstained="Nothing speaks of it."), answer("A")])
    asked = set_of(CHOICE, replace(CHOICE, id="2"), replace(CHOICE, id="3"))
    outcomes = run_questions(asked, lambda _q, _v, _o: next(replies), None, FakeTextEncoder(), IDS)
    assert [outcome.verdict for outcome in outcomes] == [Verdict.RIGHT, Verdict.ABSTAINED, Verdict.WRONG]
    figures = summarise_questions(asked, outcomes).figures
    assert figures["accuracy"] == pytest.approx(1 / 3)
    assert figures["accuracy of the answered"] == 0.5
    assert (figures["n"], figures["n abstained"], figures["n judge errors"]) == (3, 1, 0)
    assert figures["recall of places@5"] == 0.5


def test_quotes_are_marked_without_the_words_that_introduce_them() -> None:
    quoted = answer("In “A mill” at 0:00 it is said: “It is a tower.” [1]", produced_by="extractive")
    assert free_text(quoted) == "It is a tower."
    [outcome] = run_questions(set_of(CHOICE), always(quoted), None, FakeTextEncoder(), IDS)
    assert outcome.verdict is Verdict.RIGHT


def test_options_that_stand_twice_are_both_right() -> None:
    twice = replace(CHOICE, options=("a tower", "a mill", "a tower"), right=2)
    [outcome] = run_questions(set_of(twice), always(answer("A")), None, FakeTextEncoder(), IDS)
    assert outcome.verdict is Verdict.RIGHT


def test_a_failed_judgement_is_counted_and_never_right() -> None:
    def judge(question: SetQuestion, _answer: str) -> Marks:
        if question.id == "5":
            raise JudgeFailed("no JSON")
        return Marks(is_right=True)

    asked = set_of(OPEN, replace(OPEN, id="5"))
    outcomes = run_questions(asked, always(answer("It went out.")), judge, FakeTextEncoder(), IDS)
    assert [outcome.verdict for outcome in outcomes] == [Verdict.RIGHT, Verdict.JUDGE_ERROR]
    figures = summarise_questions(asked, outcomes).figures
    assert (figures["accuracy"], figures["n judge errors"]) == (0.5, 1)
    assert outcomes[1].describe()["problem"] == "no JSON"


def test_scores_stand_beside_accuracy_and_mlvu_averages_over_tasks() -> None:
    choices = [replace(CHOICE, id=str(number), groups=(("type", "plotQA"),)) for number in (10, 11, 12)]
    order = replace(CHOICE, id="13", right=0, groups=(("type", "order"),))
    asked = set_of(*choices, order, SCENE, replace(SCENE, id="9"), name="mlvu")
    replies = iter([*[answer("It is a tower.")] * 5, answer("", abstained="Nothing.")])

    def judge(_question: SetQuestion, _answer: str) -> Marks:
        return Marks(scores=(3, 5))

    summary = summarise_questions(
        asked, run_questions(asked, lambda _q, _v, _o: next(replies), judge, FakeTextEncoder(), IDS)
    )
    assert summary.figures["accuracy"] == 0.75
    assert summary.figures["M-Avg"] == 0.5
    assert summary.figures["G-Avg (2–10)"] == pytest.approx((8 + 2) / 2)
    assert summary.by_group["type"]["plotQA"]["accuracy"] == 1.0


def test_questions_for_a_judge_are_not_asked_without_one() -> None:
    outcomes = run_questions(set_of(CHOICE, OPEN), always(answer("It is a tower.")), None, FakeTextEncoder(), IDS)
    assert [outcome.question.id for outcome in outcomes] == ["1"]


def test_signs_are_marked_by_what_the_answer_contains() -> None:
    asked = set_of(SIGN, replace(SIGN, marking=Marking.IS))
    outcomes = run_questions(asked, always(answer("It reads OPEN daily [1].")), None, FakeTextEncoder(), IDS)
    assert [outcome.verdict for outcome in outcomes] == [Verdict.RIGHT, Verdict.WRONG]


def test_a_question_that_fails_is_counted_and_the_run_goes_on() -> None:
    replies: list[Answer | Exception] = [TryAgain("too slow"), answer("It is a tower.")]

    def ask(_question: str, _video_ids: Sequence[str], _options: Sequence[str]) -> Answer:
        reply = replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    asked = set_of(CHOICE, replace(CHOICE, id="2"))
    outcomes = run_questions(asked, ask, None, FakeTextEncoder(), IDS)
    assert [outcome.verdict for outcome in outcomes] == [Verdict.FAILED, Verdict.RIGHT]
    assert summarise_questions(asked, outcomes).figures["n failed"] == 1


def test_a_service_that_fails_again_and_again_ends_the_run() -> None:
    def ask(_question: str, _video_ids: Sequence[str], _options: Sequence[str]) -> Answer:
        raise TryAgain("gone")

    with pytest.raises(TryAgain, match="5 questions in a row failed, the last one: gone"):
        run_questions(set_of(*[CHOICE] * 9), ask, None, FakeTextEncoder(), IDS)
    with pytest.raises(TryAgain, match="all questions failed, the last one: gone"):
        run_questions(set_of(CHOICE), ask, None, FakeTextEncoder(), IDS)


def test_a_run_is_shown_with_what_was_left_out() -> None:
    asked = replace(
        set_of(CHOICE, replace(CHOICE, id="2", video="gone")),
        videos=(*videos("a"), SetVideo("gone", None)),
        unusable=(Unusable("rows.json, row 3", "its answer is not published"),),
        notes=("a trial",),
    )
    outcomes = run_questions(asked, always(answer("It is a tower.")), None, FakeTextEncoder(), IDS)
    summary = summarise_questions(asked, outcomes)
    conditions = Conditions("the set's", False, "a judge", {"b": "probe: no streams"})
    screen = StringIO()
    print_run("Video-MME", asked, conditions, summary, Console(file=screen, width=160))
    shown = screen.getvalue()
    for said in (
        "1 of 2 questions run",
        "judge: a judge",
        "Videos missing from the folder: 1: gone",
        "b (probe: no streams)",
        "rows.json, row 3: its answer is not published",
        "Note: a trial",
    ):
        assert said in shown
    figures = json.loads(as_json("Video-MME", asked, conditions, summary))
    assert (figures["n_run"], figures["n_cases"], figures["missing_videos"]) == (1, 2, ["gone"])
    assert figures["by_group"]["length"]["short"]["accuracy"] == 1.0


def test_lengths_in_seconds_are_shown_in_their_order() -> None:
    groups = [(("length", "3600"),), (("length", "15"),), (("length", "600"),)]
    assert list(name_groups(groups)["length"]) == ["15", "600", "3600"]


def test_a_set_that_only_a_judge_can_mark_is_refused_without_one() -> None:
    with pytest.raises(BadInput, match="need a judge") as refused:
        check_runnable(set_of(OPEN), None, with_subtitles=False)
    assert "KINOGRAPH_VLM_URL" in refused.value.remedy
    mixed = check_runnable(set_of(OPEN, CHOICE), None, with_subtitles=False)
    assert "1 open questions are not asked" in mixed.notes[0]
    assert check_runnable(set_of(OPEN), FakeLanguageModel(), with_subtitles=False).notes == ()


def test_subtitles_that_are_not_there_cannot_be_given() -> None:
    with pytest.raises(BadInput, match="no subtitles"):
        check_runnable(set_of(CHOICE), None, with_subtitles=True)


def test_a_folder_without_any_of_the_videos_is_refused() -> None:
    asked = replace(set_of(CHOICE), videos=(SetVideo("a", None),))
    with pytest.raises(BadInput, match="none of the 1 videos"):
        check_runnable(asked, None, with_subtitles=False)


def test_a_home_keeps_to_one_condition(tmp_path: Path) -> None:
    claim_home(tmp_path / "home", with_subtitles=True)
    claim_home(tmp_path / "home", with_subtitles=True)
    with pytest.raises(BadInput, match="indexed with the set's subtitles"):
        claim_home(tmp_path / "home", with_subtitles=False)


def test_a_set_of_which_no_case_can_be_run_is_refused_with_the_reasons() -> None:
    rows = tuple(Unusable(f"rows.jsonl, row {number}", "begins after its end") for number in range(1, 6))
    asked = PublicSet("qvhighlights", Task.MOMENTS, (*videos("a"), SetVideo("gone", None)), unusable=rows)
    with pytest.raises(BadInput, match="5 rows say too little") as refused:
        check_runnable(asked, None, with_subtitles=False)
    assert "rows.jsonl, row 1: begins after its end" in refused.value.reason
    assert "and 2 more" in refused.value.reason
    assert "1 videos are missing from the folder (gone)" in refused.value.reason
    elsewhere = replace(asked, span_queries=(SpanQuery("1", "run", "gone", (Span(0, 1),)),))
    with pytest.raises(BadInput, match="no case of the set can be run"):
        check_runnable(elsewhere, None, with_subtitles=False)
    told = describe_left_out(set_of(OPEN), {"a": "not in this home", "b": "not in this home"}, with_judge=False)
    assert told == "2 videos: not in this home (a, b); 1 open questions need a judge"


def test_a_set_is_not_indexed_into_a_folder_of_other_things(tmp_path: Path) -> None:
    folder, mine = tmp_path / "set", tmp_path / "mine"
    for path in (folder, mine):
        path.mkdir()
    (folder / "a.mp4").write_bytes(b"")
    (mine / "thesis.txt").write_text("years of work")
    row = {"qid": 1, "query": "run", "duration": 9.0, "vid": "a", "relevant_windows": [[1, 2]]}
    (folder / "highlight_val_release.jsonl").write_text(json.dumps(row))
    refused = [
        (["--home", mine], "not empty"),
        (["--home", mine, "--reuse"], "is not a home of Kinograph"),
        (["--reuse"], "does not exist"),
        (["--details", tmp_path / "nope" / "x"], "there is no folder"),
        (["--profile", "x"], "Use --profile offline or standard"),
    ]
    for options, said in refused:
        command = [sys.executable, "-m", "evaluation.public", "qvhighlights", folder, *options]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "set"]
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
