"""The corpus reader, and several corpora as one library."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, NotFound
from core.records import Span
from evaluation.corpus import Clip, Corpus, MomentQuery, Place, QuestionCase, find_places_beyond, load_corpus
from evaluation.join import join_corpora
from evaluation.metrics import Judgement, judge_ranking

DEV = Path(__file__).parents[1].parent / "shared" / "corpus" / "dev"


def write_half(folder: Path, truth: dict[str, Any]) -> Path:
    (folder / "videos").mkdir(parents=True)
    (folder / "videos" / "a.mp4").write_bytes(b"")
    (folder / "ground_truth.json").write_text(json.dumps(truth))
    return folder


def test_the_reader_takes_alternatives_scopes_and_cross_video_questions(tmp_path: Path) -> None:
    asked = {"query": "q", "start": 1, "end": 2, "spans": [[1, 2], [5, 6]], "modality": "ocr", "style": "keyword"}
    about = {"question": "Q", "answer": "A", "evidence": [[1, 2]], "type": "what", "scope": "video"}
    video = {"video": "a.mp4", "media": {"duration": 9.0}, "moments": [asked], "questions": [about]}
    video["negatives"] = [{"query": "of a generated video"}]
    video["questions"].append(
        {"question": "Q2", "answer": "A", "evidence": [[1, 2], [7, 8]], "type": "order", "hops": 2}
    )
    cross = {"question": "C", "answer": "A", "type": "cross-video", "evidence": [{"video": "a.mp4", "span": [1, 2]}]}
    truth = {"format": 1, "videos": [video], "cross_video_questions": [cross], "negatives": [{"query": "n"}]}
    corpus = load_corpus(write_half(tmp_path / "half", truth))
    assert corpus.queries[0].spans == (Span(1, 2), Span(5, 6))
    assert [case.asked_of for case in corpus.questions] == ["a.mp4", None, None]
    assert [case.n_hops for case in corpus.questions] == [1, 2, 1]
    assert (corpus.half, corpus.negatives, corpus.clips[0].duration_s) == ("half", ("n", "of a generated video"), 9.0)
    with pytest.raises(NotFound, match="no such clips"):
        corpus.only({"z.mp4"})


def test_the_reader_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no ground_truth"):
        load_corpus(tmp_path)
    with pytest.raises(NotFound, match=r"the clip b\.mp4 is missing"):
        load_corpus(write_half(tmp_path / "missing", {"format": 1, "videos": [{"video": "b.mp4"}]}))
    with pytest.raises(BadInput, match="not a ground truth of format 1"):
        load_corpus(write_half(tmp_path / "other", {"format": 2, "videos": []}))
    backwards = {"query": "q", "start": 2, "end": 1, "modality": "ocr"}
    truth = {"format": 1, "videos": [{"video": "a.mp4", "moments": [backwards]}]}
    with pytest.raises(BadInput, match="start_s < end_s"):
        load_corpus(write_half(tmp_path / "backwards", truth))


MOMENT = {"query": "a dog jumps", "start": 1, "end": 2, "modality": "visual"}
QUESTION = {"question": "Who jumps?", "answer": "a dog", "evidence": [[1, 2]], "type": "who"}


def video_with(**more: Any) -> dict[str, Any]:
    return {"format": 1, "videos": [{"video": "a.mp4", "duration": 9.7, **more}]}


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ({"format": 1, "videos": []}, "lists no videos"),
        ({"format": 1, "videos": [{"video": "a.mp4"}] * 2}, r"lists the clip a\.mp4 2 times"),
        (video_with(moments=[MOMENT | {"query": " "}]), r"the query ' ' of a\.mp4 is empty"),
        (video_with(moments=[MOMENT | {"query": "dog " * 501}]), r"'dog dog .*…' of a\.mp4 has 2003 characters"),
        (video_with(questions=[QUESTION | {"question": "x" * 8001}]), "has 8001 characters; the API takes 8000"),
        (video_with(negatives=[{"query": ""}]), "the negative '' is empty"),
        (video_with(moments=[MOMENT | {"start": 500, "end": 600}]), "'a dog jumps' .* begins after the end of a"),
        (video_with(moments=[MOMENT | {"spans": [[7, 6]]}]), r"'a dog jumps' of a\.mp4: span must satisfy"),
        (video_with(questions=[QUESTION | {"evidence": []}]), r"'Who jumps\?' of a\.mp4 has no evidence"),
        (
            {
                **video_with(),
                "cross_video_questions": [
                    {"question": "Both?", "answer": "", "evidence": [{"video": "z.mp4", "span": [0, 1]}]}
                ],
            },
            r"'Both\?' across videos has evidence in z\.mp4, which is not among its videos",
        ),
        (video_with(moments=[{"query": "no modality", "start": 1, "end": 2}]), r"videos\.0\.moments\.0\.modality"),
    ],
)
def test_what_nothing_could_answer_is_refused_with_its_query(tmp_path: Path, truth: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        load_corpus(write_half(tmp_path / "half", truth))
    assert "ground_truth.json" in refused.value.reason
    assert "\n" not in str(refused.value)


def test_the_first_of_several_mistakes_is_told_with_their_number(tmp_path: Path) -> None:
    truth = video_with(moments=[MOMENT | {"query": ""}, MOMENT | {"end": 0}, MOMENT | {"start": 90, "end": 95}])
    with pytest.raises(BadInput, match="is empty \\(and 2 more such places\\)"):
        load_corpus(write_half(tmp_path / "half", truth))


def test_a_folder_of_a_clips_name_is_not_the_clip(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"the clip \. is missing"):
        load_corpus(write_half(tmp_path / "half", {"format": 1, "videos": [{"video": "."}]}))


def test_places_beyond_the_end_that_a_service_finds_are_told() -> None:
    asked = lecture("a.mp4", 40)
    assert find_places_beyond(asked, {"a.mp4": 43.5}) == []
    assert find_places_beyond(asked, {}) == []
    told = find_places_beyond(asked, {"a.mp4": 42.0})
    assert told[0] == "40–44 s of the query 'a flower' ends after a.mp4, 42.0 s"
    assert len(told) == 5


@pytest.mark.corpus
def test_the_dev_half_is_read_whole() -> None:
    if not DEV.exists():
        pytest.skip("the evaluation corpus is not beside the checkout (../shared/corpus)")
    corpus = load_corpus(DEV)
    assert (len(corpus.clips), len(corpus.queries), len(corpus.questions), len(corpus.negatives)) == (25, 111, 81, 8)
    assert len(corpus.only({"d01.mp4", "d04.mp4"}).queries) == 16


def lecture(name: str, start_s: float) -> Corpus:
    """Return a corpus of one clip; every lecture shows the same flower and asks the same question."""
    shown = (Span(start_s, start_s + 4),)
    own = QuestionCase(f"Who speaks in {name}?", "Ida", (Place(name, shown[0]),), "what", None)
    chain = QuestionCase(
        f"What led to {name}?", "rain", (Place(name, Span(0, 4)), Place(name, shown[0])), "why", None, 2
    )
    same = QuestionCase("How many slides are there?", "9", (Place(name, shown[0]),), "count", None)
    return Corpus(
        half=name.removesuffix(".mp4"),
        clips=(Clip(name, Path(name), 60.0),),
        queries=(
            MomentQuery("a flower", name, shown, "visual", "natural"),
            MomentQuery(f"the title {name}", name, shown, "ocr", "keyword"),
        ),
        questions=(own, chain, same),
        negatives=("a football final",),
    )


def test_several_corpora_are_asked_as_one_library() -> None:
    library = join_corpora([lecture("a.mp4", 4), lecture("b.mp4", 40)])
    assert (library.half, len(library.clips), library.negatives) == ("a + b", 2, ("a football final",))
    assert [query.query for query in library.queries] == ["a flower", "the title a.mp4", "the title b.mp4"]
    there, here = Place("b.mp4", Span(40, 44)), Place("a.mp4", Span(4, 8))
    assert judge_ranking([there], library.queries[0]) == judge_ranking([here], library.queries[0])
    assert judge_ranking([there], library.queries[1]) == Judgement(None, None, 0.0, 1)
    assert [case.asked_of for case in library.questions] == [None, None, "a.mp4", None, None, "b.mp4"]


def test_clips_of_one_name_cannot_be_told_apart() -> None:
    with pytest.raises(BadInput, match=r"two folders hold a clip a\.mp4"):
        join_corpora([lecture("a.mp4", 4), lecture("a.mp4", 40)])


def test_a_sample_is_the_same_again_and_keeps_multi_hop_questions() -> None:
    library = join_corpora([lecture(f"{letter}.mp4", 4) for letter in "abcdef"])
    drawn = library.sample(2, seed=1)
    assert drawn == library.sample(2, seed=1) != library.sample(2, seed=2)
    assert len(drawn.queries) == 2
    assert sum(case.is_multi_hop for case in drawn.questions) == 6
    assert len(drawn.questions) == 8
    assert library.sample(1000) == library
