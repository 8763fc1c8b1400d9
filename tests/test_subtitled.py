"""The narration of a lecture, written as subtitles, is read back word for word and to the millisecond."""

from pathlib import Path

from adapters.media import AvMediaReader
from api.transcripts import write_srt
from benchmarks.subtitled import narration_of
from core.records import Span


def test_the_narration_is_read_back(tmp_path: Path) -> None:
    sentences = [
        {"text": "The mirror cooled for eleven months.", "start": 1.25, "end": 6.75},
        {"text": "Es war kalt, früh & still.", "start": 3661.5, "end": 3662.0},
    ]
    path = tmp_path / "narration.srt"
    video = {"scenes": [{"sentences": sentences[:1]}, {}, {"sentences": sentences[1:]}]}
    path.write_text(write_srt(narration_of(video)), encoding="utf-8")
    cues = AvMediaReader().read_subtitles(path)
    assert [(cue.span, cue.text) for cue in cues] == [
        (Span(float(item["start"]), float(item["end"])), item["text"]) for item in sentences
    ]
