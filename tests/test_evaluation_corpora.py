"""The corpus reader, and several corpora as one library."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, NotFound
from core.records import Span
from evaluation.corpus import Clip, Corpus, MomentQuery, Place, QuestionCase, load_corpus
from evaluation.join import join_corpora
from evaluation.metrics import Found, Judgement, judge_ranking

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
    there, here = Found("b.mp4", Span(40, 44)), Found("a.mp4", Span(4, 8))
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
