"""The bundled sample video: small, whole, playable, and its ground truth lies inside it."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from evaluation.corpus import load_corpus

SAMPLE = Path(__file__).parents[1] / "api" / "web" / "sample"
VIDEO = SAMPLE / "heron-point.mp4"
MAX_BYTES = 3_000_000


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(VIDEO.with_suffix(".json").read_text())
    return loaded


def test_it_is_small_and_the_one_the_ground_truth_describes(truth: dict[str, Any]) -> None:
    data = VIDEO.read_bytes()
    assert len(data) <= MAX_BYTES
    assert hashlib.sha256(data).hexdigest() == truth["videos"][0]["sha256"]


def test_browsers_can_play_it_while_it_loads() -> None:
    with av.open(str(VIDEO)) as media:
        video, audio = media.streams.video[0], media.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt, audio.codec_context.name) == ("h264", "yuv420p", "aac")
    data = VIDEO.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat"), "the index must stand before the frames"


def test_every_frame_decodes(truth: dict[str, Any]) -> None:
    duration_s = truth["videos"][0]["media"]["duration"]
    with av.open(str(VIDEO)) as media:
        frames_per_s = float(media.streams.video[0].average_rate or 0)
        n_frames = sum(1 for _ in media.decode(video=0))
    assert 60 <= duration_s <= 120
    assert n_frames == round(duration_s * frames_per_s)


def test_every_span_lies_inside_the_video(truth: dict[str, Any]) -> None:
    corpus = load_corpus(SAMPLE)
    (clip,) = corpus.clips
    spans = [span for query in corpus.queries for span in query.spans]
    spans += [place.span for case in corpus.questions for place in case.evidence]
    assert spans
    assert all(span.end_s <= clip.duration_s for span in spans)
    assert {query.modality for query in corpus.queries} == {"visual", "speech", "ocr"}
    assert corpus.negatives


def test_shots_follow_each_other_and_one_begins_with_a_dissolve(truth: dict[str, Any]) -> None:
    shots = truth["videos"][0]["shots"]
    cuts = [shot["cut"] for shot in shots]
    assert cuts == sorted(cuts)
    assert [shot["transition"] for shot in shots].count("dissolve") == 1
    for shot, following in pairwise(shots):
        assert shot["start"] < following["cut"] <= shot["end"]


def test_some_answers_need_two_places(truth: dict[str, Any]) -> None:
    questions = truth["videos"][0]["questions"]
    assert sum(len(question["evidence"]) >= 2 for question in questions) >= 3
    assert {"search", "ask"} <= truth["demo"].keys()
