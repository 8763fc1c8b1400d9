"""Segments tile a part, keep sentences whole, and lose neither evidence nor pictures."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from core.records import Evidence, Keyframe, Modality, Shot, Span
from indexer.segments import MAX_S, build_segments


def speech(number: int, start_s: float, end_s: float, text: str = "words") -> Evidence:
    return Evidence(f"e{number}", "v", 0, Span(start_s, end_s), Modality.SPEECH, text, 0.9, "test")


def build(span: Span, shots: list[Span], evidence: list[Evidence], keyframes: list[Keyframe]):
    return build_segments("v", "offline", 0, span, [Shot(shot) for shot in shots], evidence, keyframes)


def keyframe(start_s: float, end_s: float) -> Keyframe:
    return Keyframe((start_s + end_s) / 2, Span(start_s, end_s), "k.jpg")


def test_a_sentence_is_never_divided_by_a_cut() -> None:
    sentences = [speech(0, 0.5, 6.0), speech(1, 6.4, 13.0), speech(2, 13.2, 19.5)]
    segments = build(Span(0, 20), [Span(0, 9), Span(9, 20)], sentences, [])
    edges = {segment.span.start_s for segment in segments} | {segment.span.end_s for segment in segments}
    assert not any(item.span.start_s + 0.05 < edge < item.span.end_s - 0.05 for item in sentences for edge in edges)
    assert [i for segment in segments for i in segment.evidence_ids] == ["e0", "e1", "e2"]


def test_shots_end_segments_where_nobody_speaks() -> None:
    shots = [Span(0, 8), Span(8, 16), Span(16, 24)]
    segments = build(Span(0, 24), shots, [], [keyframe(s.start_s, s.end_s) for s in shots])
    assert [segment.span for segment in segments] == shots


def test_silence_without_pictures_gives_no_segment() -> None:
    assert build(Span(0, 30), [], [], []) == ()


def test_text_that_stands_long_belongs_to_every_segment_it_shows_in() -> None:
    slide = Evidence("slide", "v", 0, Span(0, 40), Modality.SCREEN, "Tides", 0.9, "test")
    segments = build(Span(0, 40), [Span(0, 40)], [slide], [keyframe(0, 40)])
    assert len(segments) > 1
    assert all(segment.evidence_ids == ("slide",) for segment in segments)
    assert all(segment.keyframes for segment in segments)


def test_speech_beyond_the_part_reaches_over_its_end() -> None:
    segments = build(Span(0, 20), [Span(0, 20)], [speech(0, 15.0, 22.5)], [])
    assert segments[-1].span.end_s == 22.5


@given(st.lists(st.tuples(st.floats(0.2, 9), st.floats(0, 3)), max_size=30), st.lists(st.floats(0, 120), max_size=20))
def test_segments_tile_and_keep_every_sentence_once(talk: list[tuple[float, float]], cuts: list[float]) -> None:
    sentences, time_s = [], 0.0
    for number, (length_s, pause_s) in enumerate(talk):
        sentences.append(speech(number, time_s + pause_s, time_s + pause_s + length_s))
        time_s += pause_s + length_s
    span = Span(0, max(time_s, 1.0))
    edges = sorted({0.0, *[cut for cut in cuts if 0.1 < cut < span.end_s - 0.1], span.end_s})
    shots = [Span(a, b) for a, b in itertools.pairwise(edges)]
    segments = build(span, shots, sentences, [keyframe(0, span.end_s)])
    assert sorted(i for segment in segments for i in segment.evidence_ids) == sorted(s.id for s in sentences)
    assert all(a.span.end_s <= b.span.start_s + 1e-6 for a, b in itertools.pairwise(segments))
    assert all(segment.span.duration_s <= MAX_S * 2 for segment in segments)
    assert abs(sum(segment.span.duration_s for segment in segments) - span.duration_s) < 1e-6
