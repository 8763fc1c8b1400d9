"""Loads sets whose queries look for whole videos: MultiVENT 2.0 and MSR-VTT 1k-A.

It does not know how they are searched or scored.
"""

from __future__ import annotations

from collections import defaultdict

from pydantic import AliasChoices, Field

from evaluation.public.folder import SetFolder, stem_of
from evaluation.public.reading import (
    PublishedRow,
    find_annotation,
    parse_rows,
    read_document,
    read_rows,
    refuse_repeats,
)
from evaluation.public.records import PublicSet, SetVideo, Task, Unusable, VideoQuery


class _MultiventQuery(PublishedRow):
    id: str = Field(validation_alias=AliasChoices("Query_id", "query_id", "id"))
    query: str = Field(validation_alias=AliasChoices("query", "text"), min_length=1)


class _MultiventJudgment(PublishedRow):
    query_id: str
    doc_id: str
    relevance: int


def load_multivent(folder: SetFolder, split: str | None) -> PublicSet:
    """Read MultiVENT 2.0: ``multivent_2_*_queries.csv`` and ``multivent_2_*_judgments.jsonl``; the pool is all videos.

    Source: Kriz et al., MultiVENT 2.0 (arXiv 2410.11619), the files of its Hugging Face release.
    """
    queries_path = find_annotation(folder.root, ["multivent_2_*queries*.csv"], split)
    judgments_path = find_annotation(folder.root, ["multivent_2_*judg*ments*.jsonl"], split)
    queries = list(parse_rows(read_rows(queries_path), _MultiventQuery))
    refuse_repeats((place, row.id) for place, row in queries)
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    unusable = []
    known = {row.id for _place, row in queries}
    for place, judgment in parse_rows(read_rows(judgments_path), _MultiventJudgment):
        if judgment.query_id not in known:
            unusable.append(Unusable(place, f"{queries_path.name} has no query {judgment.query_id!r}"))
        elif judgment.relevance > 0:
            video = stem_of(judgment.doc_id)
            held = grades[judgment.query_id]
            held[video] = max(judgment.relevance, held.get(video, 0))
    unusable += [
        Unusable(place, f"no video is relevant to the query {row.id!r}")
        for place, row in queries
        if row.id not in grades
    ]
    names = sorted({*folder.media_names, *(video for held in grades.values() for video in held)})
    return PublicSet(
        name="multivent-2",
        task=Task.VIDEOS,
        videos=tuple(folder.find(name) for name in names),
        video_queries=tuple(
            VideoQuery(row.id, row.query, tuple(grades[row.id].items())) for _place, row in queries if row.id in grades
        ),
        unusable=tuple(unusable),
    )


class _MsrvttPair(PublishedRow):
    key: str
    video_id: str = Field(min_length=1)
    sentence: str = Field(min_length=1)


class _MsrvttVideo(PublishedRow):
    video_id: str
    split: str | None = None


class _MsrvttSentence(PublishedRow):
    sen_id: str
    video_id: str
    caption: str = Field(min_length=1)


class _MsrvttDocument(PublishedRow):
    videos: list[_MsrvttVideo]
    sentences: list[_MsrvttSentence]


def load_msrvtt(folder: SetFolder, split: str | None) -> PublicSet:
    """Read MSR-VTT 1k-A: ``MSRVTT_JSFUSION_test.csv`` (key, vid_key, video_id, sentence), a pair a row.

    Without it the JSON of the original release (videos, sentences) is taken, whose test split is another protocol; the
    report says so. Sources: Yu et al., JSFusion (ECCV 2018) for the 1k-A pairs; Xu et al., MSR-VTT (CVPR 2016).
    """
    path = find_annotation(
        folder.root, ["*JSFUSION*.csv", "MSRVTT*.json", "msrvtt*.json", "test_videodatainfo*.json"], split
    )
    if path.suffix.lower() == ".json":
        document = read_document(path, _MsrvttDocument)
        names = [video.video_id for video in document.videos if video.split in (None, "test")]
        wanted = set(names)
        pairs = [(row.sen_id, row.caption, row.video_id) for row in document.sentences if row.video_id in wanted]
        unknown = {row.video_id for row in document.sentences} - {video.video_id for video in document.videos}
        unusable = [Unusable(path.name, f"sentences name the video {name!r}, which it lacks") for name in unknown]
        note = "all captions of the original split, not the 1k-A pairs: put MSRVTT_JSFUSION_test.csv into the folder"
        refuse_repeats((f"{path.name}, sentence {number}", pair[0]) for number, pair in enumerate(pairs, start=1))
    else:
        rows = list(parse_rows(read_rows(path), _MsrvttPair))
        refuse_repeats((place, row.key) for place, row in rows)
        pairs = [(row.key, row.sentence, row.video_id) for _place, row in rows]
        names = [row.video_id for _place, row in rows]
        unusable, note = [], ""
    videos: dict[str, SetVideo] = {name: folder.find(name) for name in names}
    return PublicSet(
        name="msr-vtt",
        task=Task.VIDEOS,
        videos=tuple(videos.values()),
        video_queries=tuple(VideoQuery(key, sentence, ((videos[name].name, 1),)) for key, sentence, name in pairs),
        unusable=tuple(unusable),
        notes=(note,) if note else (),
    )
