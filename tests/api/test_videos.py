"""The library: what a person sees who uploads, lists, renames, follows and deletes videos."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from api.uploads import discard_leftovers
from core.errors import TryAgain
from tests.api.conftest import World

SRT = b"1\n00:00:00,000 --> 00:00:01,000\nHello\n"


def leftovers(world: World) -> list[str]:
    """Return what still lies in the upload folder."""
    folder = world.home / "uploads"
    return [path.name for path in folder.glob("*")] if folder.exists() else []


def test_upload_answers_with_the_video_and_its_address(world: World) -> None:
    response = world.client.post("/v1/videos", files={"file": ("My talk.MP4", b"video 90.5")})
    assert response.status_code == 202
    video = response.json()
    assert response.headers["location"] == f"/v1/videos/{video['id']}"
    assert video["title"] == "My talk"
    assert video["status"] == "uploaded"
    assert video["duration_s"] == 90.5
    assert video["parts"] == {"done": 0, "total": None}
    assert video["has_video"]
    assert video["content_hash"] == hashlib.sha256(b"video 90.5").hexdigest()
    assert world.client.get(response.headers["location"]).json() == video
    assert world.notified, "the dispatcher is woken"
    assert leftovers(world) == []


def test_the_same_bytes_again_are_the_same_video(world: World) -> None:
    first = world.upload(b"video 10", "a.mp4")
    again = world.client.post("/v1/videos", files={"file": ("b.mp4", b"video 10")})
    assert (again.status_code, again.json()["id"], again.json()["title"]) == (200, first, "a")
    assert len(world.client.get("/v1/videos").json()["videos"]) == 1
    assert leftovers(world) == []
    assert world.services.media.list_keys("videos/") == [f"videos/{first}/original.mp4"]


def test_a_refused_file_leaves_nothing_behind(world: World) -> None:
    response = world.client.post("/v1/videos", files={"file": ("x.mp4", b"plain text")})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "the file is not media"
    assert response.json()["remedy"] == "Upload a video or audio file."
    assert world.client.get("/v1/videos").json()["videos"] == []
    assert leftovers(world) == []
    assert world.services.media.list_keys("") == []


def test_audio_is_welcome_and_has_no_thumbnail(world: World) -> None:
    video_id = world.upload(b"audio 5", "podcast.mp3")
    video = world.client.get(f"/v1/videos/{video_id}").json()
    assert (video["has_video"], video["thumbnail_url"]) == (False, None)
    problem = world.client.get(f"/v1/videos/{video_id}/thumbnail?t=0")
    assert problem.status_code == 404
    assert "audio" in problem.json()["detail"]


def test_subtitles_travel_with_the_video(world: World) -> None:
    files = {"file": ("a.mp4", b"video 5"), "subtitles": ("a.SRT", SRT)}
    video = world.client.post("/v1/videos", files=files, data={"title": " A \n title\x00 "}).json()
    assert (video["title"], video["has_subtitles"]) == ("A title", True)
    stored = world.services.catalogue.get_video(video["id"])
    assert stored.subtitles_key is not None
    assert world.services.media.read_bytes(stored.subtitles_key) == SRT


@pytest.mark.parametrize(
    ("files", "data", "status", "told"),
    [
        ({"file": ("a.mp4", b"video 5"), "subtitles": ("a.txt", SRT)}, {}, 422, "neither .srt nor .vtt"),
        ({"file": ("a.mp4", b"video 5"), "subtitles": ("a.srt", b"no cue")}, {}, 422, "no cues"),
        ({"file": ("a.mp4", b"video 5")}, {"titel": "x"}, 422, "unknown field 'titel'"),
        ({"subtitles": ("a.srt", SRT)}, {}, 422, "no field 'file'"),
        ({"file": ("a.mp4", b"video 5")}, {"title": "x" * 70_000}, 413, "too long"),
        ([("file", ("a.mp4", b"video 5")), ("file", ("b.mp4", b"video 6"))], {}, 422, "twice"),
    ],
)
def test_wrong_forms_say_what_is_wrong(world: World, files: Any, data: dict[str, str], status: int, told: str) -> None:
    response = world.client.post("/v1/videos", files=files, data=data)
    assert response.status_code == status
    assert told in response.json()["detail"]
    assert response.json()["remedy"]
    assert leftovers(world) == []


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"url": "http://example.com/x.mp4"}', 415),
        ("multipart/form-data", b"--x\r\n", 400),
        ("multipart/form-data; boundary=x", b"nonsense", 400),
        ("multipart/form-data; boundary=x", b"", 400),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\nvideo 5',
            400,
        ),
        ("multipart/form-data; boundary=" + "x" * 300, b"", 400),
    ],
)
def test_damaged_bodies_are_refused(world: World, content_type: str, body: bytes, status: int) -> None:
    response = world.client.post("/v1/videos", content=body, headers={"Content-Type": content_type})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert leftovers(world) == []


def test_uploads_have_a_limit_whether_or_not_they_tell_their_length(make_world: Callable[..., World]) -> None:
    world = make_world(max_upload_bytes=1000)
    assert world.client.post("/v1/videos", files={"file": ("a.mp4", b"video 5 " + b"x" * 2000)}).status_code == 413

    def body() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 2**20
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert world.client.post("/v1/videos", content=body(), headers=headers).status_code == 413
    told = world.client.post("/v1/videos", content=b"", headers={**headers, "Content-Length": str(10**12)})
    assert told.status_code == 413
    assert leftovers(world) == []


def test_a_full_disk_is_said_before_anything_is_kept(make_world: Callable[..., World]) -> None:
    world = make_world(min_free_bytes=2**60)
    response = world.client.post("/v1/videos", files={"file": ("a.mp4", b"video 5")})
    assert response.status_code == 507
    assert "disk" in response.json()["remedy"]
    assert response.headers["retry-after"]
    assert world.client.get("/readyz").status_code == 503


def test_large_uploads_arrive_whole(world: World) -> None:
    content = b"video 60 " + bytes(range(256)) * 40_000
    video_id = world.upload(content)
    video = world.services.catalogue.get_video(video_id)
    assert video.size_bytes == len(content)
    assert video.content_hash == hashlib.sha256(content).hexdigest()
    assert world.services.media.read_bytes(video.media_key) == content


@pytest.mark.parametrize(
    "filename", ["../../etc/passwd", "C:\\a\\..\\b.mp4", "a/../../x.mp4", "…", "x" * 400 + ".mp4", "."]
)
def test_names_of_files_cannot_leave_their_folder(world: World, filename: str) -> None:
    video_id = world.upload(filename=filename)
    video = world.services.catalogue.get_video(video_id)
    assert video.media_key.startswith(f"videos/{video_id}/original")
    assert "/" not in video.filename
    assert "\\" not in video.filename
    assert 0 < len(video.filename) <= 210
    assert 0 < len(video.title) <= 200


def test_listing_pages_newest_first(world: World) -> None:
    ids = [world.upload(f"video {number}".encode(), f"{number}.mp4") for number in range(1, 6)]
    seen: list[str] = []
    cursor = None
    while True:
        page = world.client.get("/v1/videos", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [video["id"] for video in page["videos"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    assert world.client.get("/v1/videos?cursor=nonsense").status_code == 422
    assert world.client.get("/v1/videos?limit=0").status_code == 422


def test_rename(world: World) -> None:
    video_id = world.upload()
    assert world.client.patch(f"/v1/videos/{video_id}", json={"title": " New\tname "}).json()["title"] == "New name"
    assert world.client.get(f"/v1/videos/{video_id}").json()["title"] == "New name"
    for title in ("", "  ", "\u202e", "x" * 201):
        assert world.client.patch(f"/v1/videos/{video_id}", json={"title": title}).status_code == 422


@pytest.mark.parametrize("video_id", ["nonsense", "00000000-0000-4000-8000-000000000000", "%00"])
def test_unknown_videos_are_not_found_anywhere(world: World, video_id: str) -> None:
    for path in ("", "/events", "/media", "/thumbnail", "/transcript.vtt", "/evidence"):
        response = world.client.get(f"/v1/videos/{video_id}{path}")
        assert response.status_code == 404
        assert response.json()["remedy"]
    assert world.client.patch(f"/v1/videos/{video_id}", json={"title": "x"}).status_code == 404
    assert world.client.post(f"/v1/videos/{video_id}/reindex").status_code == 404
    assert world.client.delete(f"/v1/videos/{video_id}").status_code == 404


def test_a_video_can_be_indexed_again_and_stays_found_meanwhile(world: World) -> None:
    video_id = world.add_ready_video()
    before = world.client.get(f"/v1/videos/{video_id}/evidence").json()
    answer = world.client.post(f"/v1/videos/{video_id}/reindex")
    assert (answer.status_code, answer.json()["status"]) == (202, "indexing")
    assert world.client.get(f"/v1/videos/{video_id}/evidence").json() == before
    assert world.client.post(f"/v1/videos/{video_id}/reindex").json()["status"] == "indexing"


def test_delete_leaves_nothing(world: World) -> None:
    kept = world.upload(b"video 5", "kept.mp4")
    video_id = world.add_ready_video(b"video 120 other")
    assert world.client.delete(f"/v1/videos/{video_id}").status_code == 204
    assert world.client.get(f"/v1/videos/{video_id}").status_code == 404
    assert world.services.media.list_keys("videos/") == [f"videos/{kept}/original.mp4"]
    assert world.client.get("/v1/graph/entities").json()["entities"] == []
    assert world.services.catalogue.deleting_videos() == []
    assert world.client.delete(f"/v1/videos/{video_id}").status_code == 404


def test_a_deletion_that_was_cut_short_is_finished_by_asking_again(world: World) -> None:
    video_id = world.add_ready_video()
    world.services.catalogue.begin_delete(video_id)
    assert world.client.get(f"/v1/videos/{video_id}").status_code == 404
    assert world.client.delete(f"/v1/videos/{video_id}").status_code == 204
    assert world.services.catalogue.deleting_videos() == []
    assert world.services.media.list_keys("videos/") == []


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream as (name, data)."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    found = []
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_following_a_video_tells_progress_and_parts_until_it_is_ready(world: World) -> None:
    video_id = world.upload()
    world.plan(video_id)
    world.publish_next()
    texts: list[str] = []
    follower = threading.Thread(target=lambda: texts.append(world.client.get(f"/v1/videos/{video_id}/events").text))
    follower.start()
    world.publish_next()
    world.finish(video_id)
    follower.join(timeout=30)
    events = events_of(texts[0])
    assert [data["number"] for name, data in events if name == "part"] == [0, 1]
    name, video = events[-1]
    assert (name, video["id"], video["parts"]) == ("ready", video_id, {"done": 2, "total": 2})


def test_following_a_finished_video_ends_at_once_whatever_was_heard_before(world: World) -> None:
    video_id = world.add_ready_video()
    for last_event_id in ("", "17", "nonsense \u00e9"):
        response = world.client.get(
            f"/v1/videos/{video_id}/events", headers={b"Last-Event-ID": last_event_id.encode("latin-1")}
        )
        assert response.headers["content-type"].startswith("text/event-stream")
        assert events_of(response.text)[-1][0] == "ready"


def test_leftovers_of_a_crash_are_discarded(world: World) -> None:
    folder = world.home / "uploads"
    folder.mkdir(exist_ok=True)
    (folder / "half.mp4").write_bytes(b"x")
    discard_leftovers(folder)
    assert leftovers(world) == []
    discard_leftovers(world.home / "absent")


def test_a_store_that_fails_leaves_no_video_behind(world: World) -> None:
    class FullStore(type(world.services.media)):  # type: ignore[misc]
        def put_file(self, key: str, path: object) -> None:
            raise TryAgain("the store is full", remedy="Make room.")

    world.services.media.__class__ = FullStore
    response = world.client.post("/v1/videos", files={"file": ("a.mp4", b"video 5")})
    assert response.status_code == 503
    assert response.json()["remedy"] == "Make room."
    assert world.client.get("/v1/videos").json()["videos"] == []
    assert leftovers(world) == []
