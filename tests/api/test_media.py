"""What a video holds, as players and people fetch it: ranges, pictures, transcripts, evidence."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ranges import UnsatisfiableRange, parse_range
from api.schemas.base import thumbnail_url
from api.transcripts import write_srt, write_vtt
from core.records import Evidence, Keyframe, Modality, Segment, Span
from tests.api.conftest import JPEG, World

CONTENT = b"video 120 " + bytes(range(256)) * 2000


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=512000-", 512_000, None),
        ("bytes=-7", -7, None),
        ("bytes=100-99999999999", 100, None),
        ("bytes=-99999999999", 0, None),
    ],
)
def test_players_seek_by_range(world: World, asked: str, start: int, end: int | None) -> None:
    video_id = world.upload(CONTENT)
    response = world.client.get(f"/v1/videos/{video_id}/media", headers={"Range": asked})
    expected = CONTENT[start:end]
    assert response.status_code == 206
    assert response.content == expected
    first = len(CONTENT) + start if start < 0 else start
    assert response.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(CONTENT)}"
    assert response.headers["content-length"] == str(len(expected))


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=0-1,5-6", "pages=1-2", "bytes=a-b", "bytes=-", "bytes"])
def test_ranges_that_mean_nothing_are_ignored(world: World, asked: str) -> None:
    video_id = world.upload(CONTENT)
    response = world.client.get(f"/v1/videos/{video_id}/media", headers={"Range": asked})
    assert (response.status_code, response.content) == (200, CONTENT)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_ranges_outside_are_refused(world: World, asked: str) -> None:
    video_id = world.upload(CONTENT)
    response = world.client.get(f"/v1/videos/{video_id}/media", headers={"Range": asked})
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert response.headers["content-type"] == "application/problem+json"


def test_media_tells_its_type_size_and_version(world: World) -> None:
    video_id = world.upload(CONTENT, "Größe 1.MOV")
    path = f"/v1/videos/{video_id}/media"
    head = world.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(CONTENT))
    assert head.headers["content-type"] == "video/mp4"
    assert head.headers["accept-ranges"] == "bytes"
    assert head.headers["content-disposition"].endswith("Gr%C3%B6%C3%9Fe%201.MOV")
    etag = head.headers["etag"]
    assert world.client.get(path, headers={"If-None-Match": f'"other", W/{etag}'}).status_code == 304
    ranged = {"Range": "bytes=0-3"}
    assert world.client.get(path, headers={**ranged, "If-Range": etag}).status_code == 206
    assert world.client.get(path, headers={**ranged, "If-Range": '"older"'}).status_code == 200
    assert world.client.head(path, headers=ranged).status_code == 206


def test_an_upload_cannot_pose_as_a_page(world: World) -> None:
    video_id = world.upload(filename="evil.html")
    response = world.client.get(f"/v1/videos/{video_id}/media")
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "sandbox"


def test_thumbnails_show_the_keyframe_that_stands_for_the_instant(world: World) -> None:
    video_id = world.upload()
    path = f"/v1/videos/{video_id}/thumbnail"
    assert "no pictures yet" in world.client.get(path).json()["detail"]
    world.plan(video_id)
    world.publish_next()
    early = world.client.get(path, params={"t": 90})
    assert (early.content, early.headers["content-type"]) == (JPEG + b"0", "image/jpeg")
    assert "immutable" not in early.headers["cache-control"]
    world.publish_next()
    world.finish(video_id)
    shown = {time_s: world.client.get(path, params={"t": time_s}).content for time_s in (0, 10, 59.9, 60, 500)}
    assert shown == {0: JPEG + b"0", 10: JPEG + b"0", 59.9: JPEG + b"0", 60: JPEG + b"1", 500: JPEG + b"1"}
    final = world.client.get(path, params={"t": 70})
    again = world.client.get(path, params={"t": 70}, headers={"If-None-Match": final.headers["etag"]})
    assert again.status_code == 304
    for wrong in ("-1", "nan", "inf", "x"):
        assert world.client.get(path, params={"t": wrong}).status_code == 422


def test_a_picture_has_another_address_once_its_video_was_indexed_again(world: World) -> None:
    video_id = world.add_ready_video()

    def read(address: str) -> tuple[bytes, bool, str]:
        response = world.client.get(address)
        return response.content, "immutable" in response.headers["cache-control"], response.headers["etag"]

    def address() -> str:
        return str(world.client.get(f"/v1/videos/{video_id}").json()["thumbnail_url"])

    former = address()
    *shown, former_etag = read(former)
    assert shown == [JPEG + b"0", True]
    assert not read(former.partition("&")[0])[1], "an address without a revision shows whatever is newest"
    world.client.post(f"/v1/videos/{video_id}/reindex")
    assert read(former)[:2] == (JPEG + b"0", False)
    for _ in range(2):
        world.publish_next(b"another picture ")
    world.finish(video_id)
    assert address() != former
    assert read(address())[:2] == (b"another picture 0", True)
    *shown, etag = read(former)
    assert shown == [b"another picture 0", False]
    assert etag != former_etag


def test_that_there_was_no_picture_yet_is_not_remembered(world: World) -> None:
    """A video of one part that is indexed again begins in the state in which it had no picture."""
    video_id = world.upload()
    path = f"/v1/videos/{video_id}/thumbnail"
    world.services.catalogue.plan_parts(video_id, [Span(0, 60)])
    lease = world.claim()
    assert world.client.get(path).status_code == 404
    world.publish(lease)
    world.finish(video_id)
    world.client.post(f"/v1/videos/{video_id}/reindex")
    assert world.client.get(path).content == JPEG + b"0"


def test_a_keyframe_stands_for_its_stretch_however_that_is_rounded(world: World) -> None:
    video_id = world.upload()
    catalogue, keys = world.services.catalogue, ("first", "second")
    catalogue.plan_parts(video_id, [Span(0, 60)])
    lease = catalogue.claim_part("worker", lease_s=60)
    assert lease is not None
    catalogue.commit_part(lease, "artifact")
    second_s = 10 + 1 / 3  # 10.333 is before it
    frames = (Keyframe(5.0, Span(0, second_s), "first"), Keyframe(second_s + 20, Span(second_s, 60), "second"))
    for key in keys:
        world.services.media.put_bytes(key, JPEG + key.encode())
    segment = Segment("s", video_id, 0, 0, Span(0, 60), (), frames)
    assert catalogue.publish_part(catalogue.parts_to_publish()[0], [], [segment])
    shown = {t: world.client.get(thumbnail_url(video_id, t, 1)).content for t in (second_s - 0.01, second_s)}
    assert shown == {second_s - 0.01: JPEG + b"first", second_s: JPEG + b"second"}


def test_transcripts_in_three_formats(world: World) -> None:
    video_id = world.add_ready_video()
    path = f"/v1/videos/{video_id}/transcript"
    vtt = world.client.get(f"{path}.vtt")
    assert vtt.headers["content-type"] == "text/vtt; charset=utf-8"
    assert vtt.text.startswith("WEBVTT\n\n00:00:01.000 --> 00:00:03.500\nAda says a &lt; b &amp; c in part 0.\n")
    srt = world.client.get(f"{path}.srt").text
    assert "\n2\n00:01:01,000 --> 00:01:03,500\nAda says a < b & c in part 1.\n" in srt
    cues = world.client.get(f"{path}.json").json()["cues"]
    assert [cue["start_s"] for cue in cues] == [1, 61]
    assert cues[0]["words"] == [{"text": "Ada", "start_s": 1, "end_s": 1.5}]
    assert world.client.get(f"{path}.exe").status_code == 422


def test_the_transcript_of_a_silent_video_is_empty_but_valid(world: World) -> None:
    video_id = world.upload()
    assert world.client.get(f"/v1/videos/{video_id}/transcript.vtt").text.strip() == "WEBVTT"
    assert world.client.get(f"/v1/videos/{video_id}/transcript.srt").text == ""


def test_evidence_by_time_and_sense(world: World) -> None:
    path = f"/v1/videos/{world.add_ready_video()}/evidence"
    assert [found["start_s"] for found in world.client.get(path).json()["evidence"]] == [1, 61]
    assert len(world.client.get(path, params={"start": 3, "end": 50}).json()["evidence"]) == 1
    assert len(world.client.get(path, params={"start": 3.5, "end": 50}).json()["evidence"]) == 0
    assert len(world.client.get(path, params={"modality": "screen"}).json()["evidence"]) == 0
    assert len(world.client.get(path, params={"modality": "speech"}).json()["evidence"]) == 2
    assert world.client.get(path, params={"start": 5, "end": 5}).status_code == 422
    wrong = world.client.get(path, params={"modality": "smell"})
    assert wrong.status_code == 422
    assert "speech" in wrong.json()["detail"], "the allowed values are named"


@given(
    text=st.text(min_size=1).filter(str.strip),
    start_s=st.floats(0, 400_000),
    duration_s=st.floats(0.0001, 1000),
)
def test_any_text_makes_one_valid_cue(text: str, start_s: float, duration_s: float) -> None:
    evidence = [Evidence("e", "v", 0, Span(start_s, start_s + duration_s), Modality.SPEECH, text, 1.0, "m")]
    lines = write_vtt(evidence).split("\n")
    assert len(lines) == 5, "header, blank, times, text, end"
    assert "-->" not in lines[3]
    assert "<" not in lines[3]
    start, end = lines[2].split(" --> ")
    assert (len(start), start) < (len(end), end)
    assert write_srt(evidence).count("\n") == 3


@given(header=st.one_of(st.text(), st.from_regex(r"bytes=\d*-\d*", fullmatch=True)), size_bytes=st.integers(0, 10**12))
def test_ranges_never_leave_the_content(header: str, size_bytes: int) -> None:
    try:
        found = parse_range(header, size_bytes)
    except UnsatisfiableRange:
        return
    if found is not None:
        start, end = found
        assert 0 <= start < end <= size_bytes


def test_media_comes_from_any_store(make_world: Callable[..., World], tmp_path_factory: pytest.TempPathFactory) -> None:
    blobs = pytest.importorskip("adapters.blobs", reason="the fsspec media store is not there")
    folder = tmp_path_factory.mktemp("media")
    world = make_world(media=blobs.FsspecMediaStore(folder.as_uri()))
    video_id = world.add_ready_video(CONTENT)
    media = f"/v1/videos/{video_id}/media"
    assert world.client.get(media, headers={"Range": "bytes=5-9"}).content == CONTENT[5:10]
    assert world.client.get(f"/v1/videos/{video_id}/thumbnail?t=1").content == JPEG + b"0"
    assert world.client.delete(f"/v1/videos/{video_id}").status_code == 204
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_json_transcripts_keep_every_script(world: World) -> None:
    assert json.loads(world.client.get(f"/v1/videos/{world.add_ready_video()}/transcript.json").text)["cues"]
