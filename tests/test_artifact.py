"""A part artifact comes back as it was written, and damage is noticed. It does not test where artifacts are kept."""

import hashlib
import io
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.artifact import FORMAT_VERSION, PartArtifact, decode_artifact, encode_artifact
from core.errors import StageFailed
from core.records import Evidence, Keyframe, Modality, Region, Segment, Shot, Span, Word
from core.signals import FloatArray, SegmentVectors, SparseVector, TokenRange
from indexer.pipeline import known_texts

TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
WHOLE = (0.0, 0.0, 1.0, 1.0)
TIMES = st.floats(0, 86_400, allow_nan=False)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start_s = draw(TIMES)
    return Span(start_s, start_s + draw(st.floats(0.01, 600)))


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    word = Word(draw(TEXTS), draw(TIMES), draw(TIMES), draw(st.floats(0, 1)))
    return Evidence(
        id=str(draw(st.uuids())),
        video_id="video",
        part=0,
        span=draw(spans()),
        modality=draw(st.sampled_from(Modality)),
        text=draw(TEXTS),
        confidence=draw(st.floats(0, 1)),
        produced_by="model@1",
        language=draw(st.none() | st.just("fr")),
        words=draw(st.sampled_from([(), (word,)])),
        translation=draw(st.none() | TEXTS),
        region=draw(st.sampled_from([None, Region(12.3456, ((0.1, 0.2, 0.3, 0.4), (0.0, 0.5, 1.0, 0.75)))])),
    )


@st.composite
def segments(draw: st.DrawFn, number: int) -> Segment:
    span = draw(spans())
    return Segment(
        id=str(draw(st.uuids())),
        video_id="video",
        part=0,
        number=number,
        span=span,
        evidence_ids=tuple(draw(st.lists(TEXTS, max_size=3))),
        keyframes=(Keyframe(span.middle_s, span, "frames/1.jpg"),),
        speech_ratio=draw(st.floats(0, 1)),
        screen_chars_per_s=draw(st.floats(0, 100)),
    )


def unit_rows(seed: int, n_rows: int, dimension: int) -> FloatArray:
    rows = np.random.default_rng(seed).normal(size=(n_rows, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


@st.composite
def segment_vectors(draw: st.DrawFn) -> SegmentVectors:
    """Vectors with any of the channels absent, and matrices of any number of rows, 0 too."""
    seed = draw(st.integers(0, 10_000))
    n_tokens, n_frames = draw(st.none() | st.integers(0, 5)), draw(st.none() | st.integers(0, 4))
    terms = draw(st.none() | st.dictionaries(st.integers(0, 2**32 - 1), st.floats(0, 10), max_size=4))
    return SegmentVectors(
        text=unit_rows(seed, 1, 8)[0] if draw(st.booleans()) else None,
        text_tokens=None if n_tokens is None else unit_rows(seed + 1, n_tokens, 8),
        token_ranges=(TokenRange("e", "speech", 0, n_tokens),) if n_tokens else (),
        frames=None if n_frames is None else unit_rows(seed + 2, n_frames, 6),
        frame_owner=tuple(range(n_frames or 0)),
        frame_mean=unit_rows(seed + 3, 1, 6)[0] if draw(st.booleans()) else None,
        lexical=None if terms is None else SparseVector(tuple(terms), tuple(terms.values())),
    )


@st.composite
def artifacts(draw: st.DrawFn) -> PartArtifact:
    n_segments = draw(st.integers(0, 4))
    return PartArtifact(
        video_id="video",
        tenant=draw(TEXTS),
        number=draw(st.integers(0, 1000)),
        span=draw(spans()),
        profile="offline",
        evidence=tuple(draw(st.lists(evidences(), max_size=3))),
        segments=tuple(draw(segments(number)) for number in range(n_segments)),
        vectors=tuple(draw(segment_vectors()) for _ in range(n_segments)),
        shots=(Shot(draw(spans()), draw(st.booleans())),),
        language=draw(st.none() | st.just("en")),
        warnings=tuple(draw(st.lists(TEXTS, max_size=2))),
        stage_seconds=draw(st.dictionaries(TEXTS, TIMES, max_size=2)),
    )


def assert_same_rows(got: FloatArray | None, want: FloatArray | None, *, tolerance: float) -> None:
    assert (got is None) == (want is None)
    if got is not None and want is not None:
        assert got.dtype == np.float32
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(artifacts())
def test_an_artifact_comes_back_as_it_was_written(artifact: PartArtifact) -> None:
    back = decode_artifact(encode_artifact(artifact))
    assert replace(back, vectors=(), segments=()) == replace(artifact, vectors=(), segments=())
    assert back.segments == artifact.segments
    for got, want in zip(back.vectors, artifact.vectors, strict=True):
        assert (got.token_ranges, got.frame_owner, got.lexical) == (want.token_ranges, want.frame_owner, want.lexical)
        assert_same_rows(got.text, want.text, tolerance=0)
        assert_same_rows(got.frame_mean, want.frame_mean, tolerance=0)
        assert_same_rows(got.text_tokens, want.text_tokens, tolerance=5e-4)
        assert_same_rows(got.frames, want.frames, tolerance=5e-4)


@settings(max_examples=20, deadline=None)
@given(artifacts())
def test_rounding_happens_once_and_bytes_are_reproducible(artifact: PartArtifact) -> None:
    data = encode_artifact(artifact)
    assert encode_artifact(decode_artifact(data)) == data == encode_artifact(artifact)


def example() -> PartArtifact:
    vectors = SegmentVectors(text_tokens=unit_rows(1, 120, 384), frames=unit_rows(2, 6, 384))
    segment = Segment("s", "video", 0, 0, Span(0, 8), ("e",))
    return PartArtifact("video", "default", 0, Span(0, 60), "offline", (), (segment,), (vectors,))


def test_half_precision_keeps_norms_and_cosines() -> None:
    before = example().vectors[0].text_tokens
    after = decode_artifact(encode_artifact(example())).vectors[0].text_tokens
    assert before is not None
    assert after is not None
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1.0, atol=1e-4)
    np.testing.assert_allclose(after @ after.T, before @ before.T, atol=5e-4)


def test_vectors_must_run_parallel_to_segments() -> None:
    with pytest.raises(ValueError, match="1 segments"):
        replace(example(), vectors=())


@pytest.mark.parametrize("data", [b"", b"KINOPART", b"\x89PNG" * 20, b"PK\x03\x04" + b"\0" * 60])
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(StageFailed, match=r"not a part artifact.*add it again") as caught:
        decode_artifact(data)
    assert caught.value.stage == "publish"


def test_any_damage_is_noticed() -> None:
    data = encode_artifact(example())
    for position in range(0, len(data), 997):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        with pytest.raises(StageFailed):
            decode_artifact(bytes(damaged))
    for length in (len(data) - 1, len(data) // 2, 30):
        with pytest.raises(StageFailed, match="damaged"):
            decode_artifact(data[:length])


def test_another_format_names_both_versions() -> None:
    data = bytearray(encode_artifact(example()))
    data[9] = FORMAT_VERSION + 1
    with pytest.raises(StageFailed, match=f"format {FORMAT_VERSION + 1}.*reads {FORMAT_VERSION}"):
        decode_artifact(bytes(data))


def test_an_artifact_written_before_regions_were_kept_is_read() -> None:
    shown = Evidence("e", "video", 0, Span(0, 8), Modality.SCREEN, "Tides", 0.9, "reader", region=Region(4, (WHOLE,)))
    data = encode_artifact(replace(example(), evidence=(shown,)))
    prefix_bytes, digest_bytes = 26, 16
    with np.load(io.BytesIO(data[prefix_bytes:])) as container:
        arrays = dict(container)
    header = json.loads(zlib.decompress(arrays["header"].tobytes()))
    del header["evidence"][0]["region"]
    arrays["header"] = np.frombuffer(zlib.compress(json.dumps(header).encode()), np.uint8)
    np.savez(container := io.BytesIO(), **arrays)
    body = container.getvalue()
    digest = hashlib.blake2b(body, digest_size=digest_bytes).digest()
    old = decode_artifact(data[: prefix_bytes - digest_bytes] + digest + body)
    assert old.evidence == (replace(shown, region=None),)
    assert known_texts(old, "reader") == ()  # so it is read again when the video is
    assert known_texts(replace(old, evidence=(shown,)), "reader") == (shown,)
    assert known_texts(replace(old, evidence=(shown,)), "another reader") == ()


def test_equal_artifacts_have_equal_digests() -> None:
    digests = {hashlib.sha256(encode_artifact(example())).hexdigest() for _ in range(3)}
    assert len(digests) == 1
