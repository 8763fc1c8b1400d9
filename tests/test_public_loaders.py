"""Loaders of public sets over a few rows in each set's published format, and what they say of rows that are wrong."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from api.transcripts import write_srt
from core.errors import BadInput, NotFound
from core.records import Span
from core.signals import SubtitleCue
from evaluation.public.cues import read_cues
from evaluation.public.folder import SetFolder
from evaluation.public.reading import read_rows
from evaluation.public.records import Marking, PublicSet, SetQuestion, Task
from evaluation.public.sets import SETS, find_set

ROWS = Path(__file__).parent / "public"

VIDEOS = {
    "multivent-2": ["quay-1.mp4", "quay-2.mkv", "never-judged.mp4"],
    "msr-vtt": ["video9001.mp4", "video9002.mp4", "video9003.mp4", "video0001.mp4"],
    "qvhighlights": ["AbC-dEf_120.0_180.0.mp4"],
    "charades-sta": ["AB1CD.mp4", "EF2GH.mp4"],
    "tvr": ["show_s01e01_seg01_clip_00.mp4", "show_s01e01_seg01_clip_01.mp4"],
    "video-mme": ["heron-point.mp4"],
    "longvideobench": ["harbour.mp4", "mill.mp4"],
    "lvbench": ["harbour.mp4", "mill.mp4"],
    "mlvu": ["1_plotQA/plot_1.mp4", "9_summary/plot_1.mp4", "8_sub_scene/plot_2.mp4"],
    "egoschema": ["aaaa-1111.mp4"],
    "videoeval-pro": ["harbour.mp4", "mill.mp4"],
    "ava-100": ["ego1.mp4", "wildlife1.mp4"],
    "mme-videoocr": ["sign-1.mp4", "sign-2.mp4"],
}

LoadSet = Callable[[str], PublicSet]


def lay_out(folder: Path, name: str, videos: Iterable[str]) -> Path:
    """Lay a set out as its download does: the annotations, and the videos (of a few bytes) in a folder of their own."""
    shutil.copytree(ROWS / name, folder)
    for video in videos:
        path = folder / "videos" / video
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a video")
    return folder


@pytest.fixture
def load(tmp_path: Path) -> LoadSet:
    def load_set(name: str) -> PublicSet:
        return find_set(name).load(SetFolder(lay_out(tmp_path / name, name, VIDEOS[name])), None)

    return load_set


@pytest.mark.parametrize("name", SETS)
def test_every_set_is_read_from_its_published_format(name: str, load: LoadSet) -> None:
    asked = load(name)
    assert asked.name == name
    assert asked.n_cases >= 1
    known = {video.name for video in asked.videos}
    assert all(set(case.videos) <= known for case in (*asked.video_queries, *asked.span_queries, *asked.questions))
    assert len(known) == len(asked.videos)


def test_multivent_keeps_grades_and_takes_every_video_into_the_pool(load: LoadSet) -> None:
    asked = load("multivent-2")
    assert [query.query for query in asked.video_queries] == [
        "a fire in the harbour, seen at night",
        'people say "run" near the quay',
    ]
    assert dict(asked.video_queries[0].grades) == {"quay-1": 2, "quay-2": 1}
    assert {video.name for video in asked.videos} == {"quay-1", "quay-2", "never-judged"}
    assert [str(row) for row in asked.unusable] == [
        "multivent_2_train_judgments.jsonl, row 6: multivent_2_train_queries.csv has no query 'lost_query_7'",
        "multivent_2_train_queries.csv, row 4: no video is relevant to the query 'old_mill_0'",
    ]


def test_msrvtt_pools_only_its_thousand_videos(load: LoadSet) -> None:
    asked = load("msr-vtt")
    assert asked.video_queries[1].query == "two dogs, one brown, run on a beach"
    assert [video.name for video in asked.videos] == ["video9001", "video9002", "video9003"]


def test_msrvtt_takes_the_original_json_and_says_that_it_is_another_protocol(tmp_path: Path) -> None:
    videos = [{"video_id": "video7010", "split": "test"}, {"video_id": "video1", "split": "train"}]
    sentences = [
        {"sen_id": 1, "video_id": "video7010", "caption": "a man paints"},
        {"sen_id": 2, "video_id": "video7010", "caption": "a wall is painted"},
        {"sen_id": 3, "video_id": "video1", "caption": "a train"},
    ]
    (tmp_path / "MSRVTT_data.json").write_text(json.dumps({"videos": videos, "sentences": sentences}))
    asked = find_set("MSR-VTT").load(SetFolder(tmp_path), None)
    assert [query.id for query in asked.video_queries] == ["1", "2"]
    assert "not the 1k-A pairs" in asked.notes[0]


def test_qvhighlights_cuts_windows_at_the_end_and_names_what_cannot_be_scored(load: LoadSet) -> None:
    asked = load("qvhighlights")
    first, second = asked.span_queries
    assert asked.task is Task.MOMENTS
    assert first.spans == (Span(4, 10), Span(40, 60))
    assert first.top_clips == {2, 21}
    assert second.spans == (Span(30, 36),)
    assert [row.reason for row in asked.unusable] == [
        "the span 20–20 s is empty",
        "this split does not tell its windows",
    ]
    assert asked.missing == ("XyZ_0.0_60.0",)


def test_charades_cuts_spans_at_the_length_its_csv_tells(load: LoadSet) -> None:
    asked = load("charades-sta")
    assert [query.spans for query in asked.span_queries] == [(Span(4.3, 12.5),), (Span(20.0, 30.5),)]
    assert asked.span_queries[1].query == "a person opens a window, then laughs."
    assert [str(row) for row in asked.unusable] == ["charades_sta_test.txt, row 3: the span 9–9 s is empty"]


def test_tvr_looks_in_all_videos_and_reports_by_type(load: LoadSet) -> None:
    asked = load("tvr")
    assert asked.task is Task.CORPUS_MOMENTS
    assert [query.groups for query in asked.span_queries] == [(("type", "video"),), (("type", "subtitles"),)]
    assert asked.span_queries[1].spans == (Span(50.0, 58.0),)
    assert [row.reason for row in asked.unusable] == ["this split does not tell its moments"]


def test_video_mme_strips_labels_and_finds_subtitles(load: LoadSet) -> None:
    asked = load("video-mme")
    first = asked.questions[0]
    assert first.options == ("A mill.", "A stone tower.", "A castle.", "A crane.")
    assert (first.right, dict(first.groups)["length"]) == (1, "short")
    assert asked.videos[0].subtitles is not None
    assert asked.missing == ("not-here",)


def test_longvideobench_takes_both_forms_of_options(load: LoadSet) -> None:
    asked = load("longvideobench")
    assert [question.options for question in asked.questions] == [
        ("the red one", "the blue one", "the ferry"),
        ("the wheel", "the door"),
    ]
    assert [question.right for question in asked.questions] == [1, 0]
    assert asked.videos[0].subtitles_from_s == 100.0
    assert [row.reason for row in asked.unusable] == ["this split does not tell the right choice"]


def test_longvideobench_subtitles_are_moved_to_the_piece_they_belong_to() -> None:
    folder = ROWS / "longvideobench" / "subtitles"
    piece = read_cues(folder / "harbour_en.json", offset_s=100.0, duration_s=12.0)
    assert piece == [
        SubtitleCue(Span(1.5, 4.0), "The blue boat\nleaves the harbour."),
        SubtitleCue(Span(10.0, 12.0), "And nobody waves."),
    ]
    whole = read_cues(folder / "mill_en.json", offset_s=0.0, duration_s=700.0)
    assert whole == [SubtitleCue(Span(1.0, 3.5), "The wheel turns slowly.")]
    assert "00:00:01,500 --> 00:00:04,000\nThe blue boat leaves the harbour.\n" in write_srt(piece)


def test_lvbench_splits_options_and_reads_time_references(load: LoadSet) -> None:
    asked = load("lvbench")
    fire, bell, wheel = asked.questions
    assert (fire.question, fire.options[0], fire.right) == ("What burns in the night?", "A ship", 0)
    assert fire.groups == (("type", "event understanding"), ("type", "key information retrieval"))
    assert fire.places == (Span(15, 19),)
    assert bell.places == (Span(3668, 3672),)
    assert wheel.places == ()
    assert "runs backwards" in asked.unusable[0].reason


def test_mlvu_reads_all_tasks_and_copies_of_a_video_as_one(load: LoadSet) -> None:
    asked = load("mlvu")
    assert [question.marking for question in asked.questions] == [Marking.CHOICE, Marking.SCENE, Marking.SUMMARY]
    assert asked.questions[0].right == 0
    assert asked.questions[1].points == ("The ferry lands", "A child waves")
    assert [video.name for video in asked.videos] == ["plot_1", "plot_2"]
    assert [row.reason for row in asked.unusable] == [
        "the right answer 'A sailor' is not among the candidates",
        "the question is empty",
    ]


def test_egoschema_asks_only_what_has_a_published_answer(load: LoadSet) -> None:
    asked = load("egoschema")
    assert [(question.id, question.right) for question in asked.questions] == [("aaaa-1111", 1)]
    assert [row.reason for row in asked.unusable] == ["its answer is not published"]


def test_egoschema_tables_bring_their_answers(tmp_path: Path) -> None:
    row = {"question_idx": "0", "video_idx": "aaaa-1111", "question": "What?", "option": ["A. this", "B. that"]}
    (tmp_path / "egoschema.jsonl").write_text(json.dumps({**row, "answer": "1"}))
    asked = find_set("egoschema").load(SetFolder(tmp_path), None)
    assert (asked.questions[0].options, asked.questions[0].right) == (("this", "that"), 1)


def test_videoeval_pro_is_judged_against_the_answer_in_words(load: LoadSet) -> None:
    asked = load("videoeval-pro")
    assert {question.marking for question in asked.questions} == {Marking.JUDGED}
    assert [question.reference for question in asked.questions] == ["A ship", "Two"]
    assert dict(asked.questions[0].groups) == {
        "type": "Local Perception",
        "subtype": "Entity Recognition",
        "source": "lvbench",
    }


def test_ava_100_reads_ranges_lists_and_nothing(load: LoadSet) -> None:
    asked = load("ava-100")
    stove, bus, fox = asked.questions
    assert stove.places == (Span(2160, 2200),)
    assert bus.places == (Span(6463, 6467), Span(7198, 7202))
    assert bus.options == ("The red one", "The blue one", "The last one", "None")
    assert fox.places == ()
    assert [question.id for question in asked.questions] == ["ego1/0", "ego1/1", "wildlife1/0"]
    assert fox.groups == (("scene", "wildlife"),)


def test_mme_videoocr_marks_each_question_by_its_method(load: LoadSet) -> None:
    asked = load("mme-videoocr")
    assert [question.marking for question in asked.questions] == [
        Marking.CONTAINS,
        Marking.IS,
        Marking.CHOICE,
        Marking.JUDGED,
    ]
    assert asked.questions[2].right == 1


# What is wrong is said with its file, its row and what was expected.


def load_rows(folder: Path, name: str, file: str, text: str) -> PublicSet:
    (folder / file).write_text(text, encoding="utf-8")
    return find_set(name).load(SetFolder(folder), None)


QVH = '{"qid": 1, "query": "q", "duration": 60, "vid": "v", "relevant_windows": [[4, 10]]'


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        (
            "qvhighlights",
            "highlight_val.jsonl",
            '{"qid": 1, "query": "q", "vid": "v"}',
            r"row 1: duration: Field required",
        ),
        ("qvhighlights", "highlight_val.jsonl", QVH, r"highlight_val.jsonl, row 1: not JSON"),
        ("qvhighlights", "highlight_val.jsonl", f"{QVH}}}\n\n{QVH}}}", r"row 3: the id '1' stands already in .*row 1"),
        ("qvhighlights", "highlight_val.jsonl", "", r"highlight_val.jsonl holds no rows"),
        (
            "qvhighlights",
            "highlight_val.jsonl",
            f'{QVH}, "relevant_clip_ids": [2, 3], "saliency_scores": [[1, 2, 3]]}}',
            r"1 saliency_scores for 2 relevant_clip_ids",
        ),
        ("charades-sta", "charades_sta_test.txt", "AB1CD 4.3##a person sits", r"row 1: 'AB1CD 4.3##a person sits'"),
        ("charades-sta", "charades_sta_test.txt", "\n", r"holds no rows"),
        (
            "msr-vtt",
            "MSRVTT_JSFUSION_test.csv",
            "key,vid_key,sentence\nret0,msr1,a\n",
            r"row 2: video_id: Field required",
        ),
        (
            "lvbench",
            "video_info.meta.jsonl",
            '{"key": "k", "qa": [{"uid": 1, "question": "Q?", "answer": "A"}]}',
            r"no options",
        ),
        (
            "lvbench",
            "video_info.meta.jsonl",
            '{"key": "k", "qa": [{"uid": 1, "question": "Q?\\n(A) a\\n(C) c", "answer": "A"}]}',
            r"row 1, question 1: the options are labelled A, C",
        ),
        (
            "lvbench",
            "video_info.meta.jsonl",
            '{"key": "k", "qa": [{"uid": 1, "question": "Q?\\n(A) a\\n(B) b", "answer": "E"}]}',
            r"the answer 'E' is not one of the letters A–B",
        ),
        (
            "longvideobench",
            "lvb_val.json",
            '[{"id": "1", "video_id": "v", "question": "Q?", "candidates": ["a", "b"], "correct_choice": 2}]',
            r"correct_choice 2 of 2 options",
        ),
        (
            "mlvu",
            "1_plotQA.json",
            '[{"video": "v", "question": "Q?", "answer": "a", "question_type": "ego"}]',
            r"no candidates",
        ),
        ("mlvu", "1_plotQA.json", '{"video": "v"}', r"not a list of rows"),
        (
            "mme-videoocr",
            "dataset.json",
            '[{"video_index": "v", "question": "Q", "answer": "A", "task_type": "", "task": "", "eval_method": "x"}]',
            r"eval_method: Input should be",
        ),
    ],
)
def test_a_wrong_row_is_named_with_its_file(tmp_path: Path, name: str, file: str, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        load_rows(tmp_path, name, file, text)
    assert refused.value.remedy


def test_a_byte_order_mark_and_lines_within_quotes_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffkey,sentence\r\nret0,"two\nlines"\r\nret1,"a ""quoted"" word"\r\n'.encode())
    assert [row.data["sentence"] for row in read_rows(path)] == ["two\nlines", 'a "quoted" word']
    assert [row.place for row in read_rows(path)] == ["a.csv, row 3", "a.csv, row 4"]


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "charades_sta_test.txt").write_bytes(b"AB1CD 1 2##caf\xe9")
    with pytest.raises(BadInput, match=r"not UTF-8 text \(byte 14\)"):
        find_set("charades-sta").load(SetFolder(tmp_path), None)


@pytest.mark.parametrize("name", SETS)
def test_a_folder_without_annotations_says_what_to_download(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as missing:
        find_set(name).load(SetFolder(tmp_path), None)
    assert missing.value.remedy


def test_several_splits_are_told_apart_by_name(tmp_path: Path) -> None:
    for split in ("val", "train"):
        (tmp_path / f"charades_sta_{split}.txt").write_text(f"AB1CD 1 2##a {split} row")
    with pytest.raises(BadInput, match="several annotation files fit"):
        find_set("charades-sta").load(SetFolder(tmp_path), "charades")
    assert find_set("charades-sta").load(SetFolder(tmp_path), "train").span_queries[0].query == "a train row"


def test_two_different_videos_of_one_name_are_refused(tmp_path: Path) -> None:
    for place, size in (("Charades_v1", 10), ("Charades_v1_480", 20)):
        (tmp_path / place).mkdir()
        (tmp_path / place / "AB1CD.mp4").write_bytes(b"x" * size)
    with pytest.raises(BadInput, match=r"Charades_v1/AB1CD.mp4, Charades_v1_480/AB1CD.mp4"):
        SetFolder(tmp_path).find("AB1CD")


def test_a_home_inside_the_folder_is_not_searched_for_videos(tmp_path: Path) -> None:
    for place in ("videos", "home/media"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / f"{place[:4]}.mp4").write_bytes(b"x")
    assert SetFolder(tmp_path, home=tmp_path / "home").media_names == ("vide",)


def test_an_unknown_set_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="no public set 'imagenet'") as missing:
        find_set("imagenet")
    assert "lvbench" in missing.value.remedy


def test_a_trial_takes_the_first_cases_that_can_be_run(load: LoadSet) -> None:
    trial = load("video-mme").first(1)
    assert [question.id for question in trial.questions] == ["001-1"]
    assert [video.name for video in trial.videos] == ["heron-point"]
    assert "a trial" in trial.notes[-1]


def test_a_table_in_parquet_says_how_to_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "test-00000-of-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match="pyarrow is not installed") as refused:
        find_set("videoeval-pro").load(SetFolder(tmp_path), None)
    assert "pip install pyarrow" in refused.value.remedy


def egoschema_table() -> list[dict[str, object]]:
    """The rows of the Hugging Face release: options in one column, answers as text, or none."""
    rows = [row.data for row in read_rows(ROWS / "egoschema" / "questions.json")]
    right_by_id = json.loads((ROWS / "egoschema" / "subset_answers.json").read_text())
    return [
        {
            "question_idx": str(number),
            "video_idx": row["q_uid"],
            "question": row["question"],
            "option": [f"{letter}. {row[f'option {place}']}" for place, letter in enumerate("ABCDE")],
            "answer": str(right_by_id[row["q_uid"]]) if row["q_uid"] in right_by_id else None,
        }
        for number, row in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("name", "read_table"),
    [
        ("video-mme", lambda: [row.data for row in read_rows(ROWS / "video-mme" / "video-mme.json")]),
        ("videoeval-pro", lambda: [row.data for row in read_rows(ROWS / "videoeval-pro" / "test.jsonl")]),
        ("egoschema", egoschema_table),
    ],
)
def test_a_table_in_parquet_is_read_as_its_rows_are(
    tmp_path: Path, name: str, read_table: Callable[[], list[dict[str, object]]]
) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="reads Parquet: install the extra `dev`")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = tmp_path / "test-00000-of-00001.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(read_table()), table)
    asked = find_set(name).load(SetFolder(tmp_path), None)
    from_text = find_set(name).load(SetFolder(ROWS / name), None)
    assert asked.questions
    assert len(asked.unusable) == len(from_text.unusable)
    assert _without_places(asked) == _without_places(from_text)
    table.write_bytes(b"PAR1")
    with pytest.raises(BadInput, match="is not a Parquet file"):
        find_set(name).load(SetFolder(tmp_path), None)


def _without_places(asked: PublicSet) -> list[SetQuestion]:
    """The questions; where rows have no ids, their ids name the file."""
    return [replace(question, id=question.id.partition(", row")[2] or question.id) for question in asked.questions]


def test_rows_nested_without_end_are_refused_with_their_line(tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    (tmp_path / "rows.jsonl").write_text(f'{{"qid": 1}}\n{deep}\n')
    (tmp_path / "rows.json").write_text(deep)
    with pytest.raises(BadInput, match=r"rows\.jsonl, row 2: nested too deeply"):
        read_rows(tmp_path / "rows.jsonl")
    with pytest.raises(BadInput, match=r"rows\.json: nested too deeply"):
        read_rows(tmp_path / "rows.json")
