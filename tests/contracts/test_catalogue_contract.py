"""The contract of ``core.stores``: videos and evidence, over SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import BadInput, Conflict, NotFound
from core.records import (
    Entity,
    Event,
    Evidence,
    Failure,
    Keyframe,
    Link,
    Modality,
    ReasonKind,
    Region,
    Segment,
    Span,
    VideoStatus,
    Word,
)
from core.stores import Catalogue
from core.titles import NamedVideo
from tests.contracts.steps import (
    finish,
    mention,
    new_video,
    publish,
    speech,
)
from tests.databases import Clock


class TestVideos:
    def test_a_new_video_is_returned_as_it_was_uploaded(self, catalogue: Catalogue, clock: Clock) -> None:
        video, is_new = catalogue.add_video(new_video("v1", warnings=("The last second does not decode.",)))

        assert is_new
        assert video == catalogue.get_video("v1", tenant="t")
        assert (video.status, video.progress, video.n_parts) == (VideoStatus.UPLOADED, 0.0, None)
        assert video.size_bytes == 5 * 2**32
        assert video.warnings == ("The last second does not decode.",)
        assert video.created_at.timestamp() == clock.now_s
        assert video.created_at.utcoffset() is not None
        assert [(hint.task, hint.args) for hint in catalogue.take_outbox()] == [("plan_video", ("v1",))]

    def test_the_same_bytes_of_a_tenant_are_one_video(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1", content_hash="same", title="First"))
        again, is_new = catalogue.add_video(new_video("v2", content_hash="same", title="Second"))
        other, is_others = catalogue.add_video(new_video("v3", content_hash="same", tenant="u"))

        assert (again.id, again.title, is_new) == ("v1", "First", False)
        assert (other.id, is_others) == ("v3", True)
        assert len(catalogue.take_outbox()) == 2

    def test_the_same_bytes_at_the_same_moment_are_one_video(self, catalogue: Catalogue) -> None:
        with ThreadPoolExecutor(8) as pool:
            added = list(pool.map(lambda n: catalogue.add_video(new_video(f"v{n}", content_hash="same")), range(8)))

        assert len({video.id for video, _ in added}) == 1
        assert sum(is_new for _, is_new in added) == 1

    def test_an_id_stands_for_one_video(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        with pytest.raises(Conflict):
            catalogue.add_video(new_video("v1", content_hash="other bytes"))

    def test_text_that_no_database_takes_is_kept_readable(self, catalogue: Catalogue) -> None:
        video, _ = catalogue.add_video(new_video("v1", title="nul\0 and \udcff"))
        assert video.title == "nul\ufffd and ?"

    @pytest.mark.parametrize(("video_id", "tenant"), [("unknown", None), ("v1", "u"), ("gone", "t")])
    def test_what_a_tenant_may_not_see_is_not_found(
        self, catalogue: Catalogue, video_id: str, tenant: str | None
    ) -> None:
        catalogue.add_video(new_video("v1"))
        catalogue.add_video(new_video("gone"))
        catalogue.begin_delete("gone")
        with pytest.raises(NotFound):
            catalogue.get_video(video_id, tenant=tenant)

    def test_videos_are_listed_newest_first_in_pages(self, catalogue: Catalogue, clock: Clock) -> None:
        for n in range(5):
            catalogue.add_video(new_video(f"v{n}"))
            clock.advance(0.001)
        catalogue.add_video(new_video("of another tenant", tenant="u"))

        listed, cursor = [], None
        while True:
            page = catalogue.list_videos("t", limit=2, cursor=cursor)
            listed.append([video.id for video in page.items])
            cursor = page.next_cursor
            if cursor is None:
                break
        assert listed == [["v4", "v3"], ["v2", "v1"], ["v0"]]

    @pytest.mark.parametrize("cursor", ["", "nonsense", "W10", "WzEsIDJd", "ÿ", "e30="])
    def test_foreign_cursors_are_refused(self, catalogue: Catalogue, cursor: str) -> None:
        with pytest.raises(BadInput):
            catalogue.list_videos("t", cursor=cursor)
        with pytest.raises(BadInput):
            catalogue.list_events("t", cursor=cursor)
        with pytest.raises(BadInput):
            catalogue.list_entities("t", cursor=cursor)

    def test_a_video_is_renamed(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        assert catalogue.rename_video("v1", "New").title == "New"
        assert catalogue.get_video("v1").title == "New"
        with pytest.raises(NotFound):
            catalogue.rename_video("unknown", "New")

    def test_a_failed_video_says_why_and_is_left_alone(self, catalogue: Catalogue, clock: Clock) -> None:
        catalogue.add_video(new_video("v1"))
        catalogue.fail_video("v1", Failure("probe", "no stream decodes", "Re-encode it."))
        catalogue.fail_video("unknown", Failure("probe", "nobody listens"))
        clock.advance(3600)

        video = catalogue.get_video("v1")
        assert video.status is VideoStatus.FAILED
        assert video.failure == Failure("probe", "no stream decodes", "Re-encode it.")
        assert (catalogue.reap(), catalogue.take_outbox()) == (0, [])

    def test_a_full_life_of_a_video(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", [])
        assert catalogue.get_video("v1").status is VideoStatus.INDEXING
        assert catalogue.get_video("v1").stage == "finishing"
        finish(catalogue, "v1")

        video = catalogue.get_video("v1")
        assert (video.status, video.stage, video.progress) == (VideoStatus.READY, "", 1.0)
        assert (video.n_parts, video.n_parts_published, video.language) == (1, 1, "en")


def ids(named: Sequence[NamedVideo]) -> list[str]:
    return [found.video.id for found in named]


class TestTitles:
    @pytest.fixture(autouse=True)
    def _add_videos(self, catalogue: Catalogue, clock: Clock) -> None:
        for id_, title, filename in (
            ("heron", "The Light at Heron Point", "day 1.mp4"),
            ("party", "100% party_time", "Fin_de_la_Fe\u0302te-2.MP4"),
            ("street", "Die lange Straße", "x.mp4"),
        ):
            catalogue.add_video(new_video(id_, title=title, filename=filename))
            publish(catalogue, id_, [], [Segment(f"s of {id_}", id_, 0, 0, Span(0, 9), ())])
            clock.advance(1)
        catalogue.add_video(new_video("not yet searchable", title="Heron Point"))
        catalogue.add_video(new_video("of another tenant", title="Heron Point", tenant="u"))
        publish(catalogue, "of another tenant", [], [Segment("s", "of another tenant", 0, 0, Span(0, 9), ())])

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            (["heron", "point"], ["heron"]),
            (["point", "heron", "the"], ["heron"]),
            (["heron", "tower"], []),
            (["heron", "day"], []),  # each name by itself
            (["day", "1"], ["heron"]),
            (["mp4"], []),
            (["art"], []),
            (["%"], []),
            (["party", "time"], ["party"]),
            (["fête"], ["party"]),
            (["strasse"], ["street"]),
            (["point"] * 2000, ["heron"]),
            ([], []),
        ],
    )
    def test_videos_are_found_by_the_words_of_a_name(
        self, catalogue: Catalogue, words: list[str], found: list[str]
    ) -> None:
        assert ids(catalogue.find_titled("t", words)) == found

    def test_another_name_counts_at_once(self, catalogue: Catalogue) -> None:
        renamed = catalogue.rename_video("street", "ÄRGER at Heron Point")
        [found] = catalogue.find_titled("t", ["ärger"])
        assert (found.video, [name.kind for name in found.names]) == (renamed, [ReasonKind.TITLE])
        assert ids(catalogue.find_titled("t", ["heron"])) == ["street", "heron"]
        catalogue.rename_video("party", "Heron")
        assert ids(catalogue.find_titled("t", ["heron"], limit=2)) == ["party", "street"]
        assert ids(catalogue.find_titled("t", ["heron"], video_ids=["heron", "v9"])) == ["heron"]

    def test_what_goes_away_is_not_found(self, catalogue: Catalogue) -> None:
        catalogue.begin_delete("heron")
        assert catalogue.find_titled("t", ["heron"]) == []
        assert catalogue.first_segments(["heron"]) == {}

    def test_the_first_segment_is_the_earliest(self, catalogue: Catalogue) -> None:
        rows = [Segment(f"s{n}", "v1", 0, n, Span(9 * n, 9 * n + 9), ()) for n in (2, 0, 1)]
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", [], rows)
        found = catalogue.first_segments(["v1", "heron", "unknown", "not yet searchable"])
        assert {video_id: segment.id for video_id, segment in found.items()} == {"v1": "s0", "heron": "s of heron"}


class TestDeletion:
    def test_a_video_disappears_at_once_and_then_for_good(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        evidence = speech("e1", "v1", 0, 2)
        publish(catalogue, "v1", [evidence], [Segment("s1", "v1", 0, 0, Span(0, 9), ("e1",))])
        finish(
            catalogue,
            "v1",
            events=[Event("ev1", "v1", 0, Span(0, 9), "It begins.", ("e1",), participant_ids=("ada",))],
            entities=[Entity("ada", "t", "person", "Ada")],
            mentions=[mention("ada", "v1", event_id="ev1")],
            links=[Link("ev1", "ada", "mentions", "v1", ("e1",))],
        )

        assert catalogue.begin_delete("v1").status is VideoStatus.DELETING
        assert [video.id for video in catalogue.deleting_videos()] == ["v1"]
        for _ in range(2):
            assert catalogue.list_videos("t").items == ()
            assert (catalogue.list_evidence("v1"), catalogue.get_evidence(["e1"])) == ([], {})
            assert (catalogue.list_segments("v1"), catalogue.get_segments(["s1"])) == ([], {})
            assert (catalogue.list_events("t").items, catalogue.list_entities("t").items) == ((), ())
            assert (catalogue.list_mentions(), catalogue.list_links(), catalogue.take_outbox()) == ([], [], [])
            catalogue.remove_video("v1")
        assert (catalogue.deleting_videos(), catalogue.list_parts("v1")) == ([], [])
        with pytest.raises(NotFound):
            catalogue.begin_delete("v1")

    def test_deleting_can_be_begun_again_after_a_crash(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        assert catalogue.begin_delete("v1") == catalogue.begin_delete("v1")

    def test_deleted_bytes_may_come_back(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1", content_hash="same"))
        catalogue.begin_delete("v1")
        assert catalogue.add_video(new_video("v2", content_hash="same"))[1]

    def test_entities_of_other_videos_stay(self, catalogue: Catalogue) -> None:
        for video_id in ("v1", "v2"):
            catalogue.add_video(new_video(video_id))
            publish(catalogue, video_id, [])
            finish(
                catalogue, video_id, entities=[Entity("ada", "t", "person", "Ada")], mentions=[mention("ada", video_id)]
            )
        assert catalogue.get_entity("ada").n_videos == 2

        catalogue.remove_video("v1")

        assert catalogue.get_entity("ada") == Entity("ada", "t", "person", "Ada", (), n_mentions=1, n_videos=1)


class TestEvidence:
    def test_evidence_and_segments_come_back_whole(self, catalogue: Catalogue) -> None:
        said = Evidence(
            "e1", "v1", 0, Span(0.25, 2.5), Modality.SPEECH, "Grüße, 世界!", 0.5, "whisper base", "de",
            (Word("Grüße,", 0.25, 1.0, 0.75), Word("世界!", 1.0, 2.5)), "Greetings, world!",
        )  # fmt: skip
        region = Region(1.5015, ((0.1, 0.25, 0.5, 0.3125), (0.1, 0.35, 0.75, 0.4)))
        shown = Evidence("e2", "v1", 0, Span(0.5, 4), Modality.SCREEN, "AN\nDER ELBE", 0.9, "reader", region=region)
        frame = Keyframe(1.5, Span(0, 4), "videos/v1/frames/1.jpg")
        segment = Segment("s1", "v1", 0, 3, Span(0, 8), ("e1",), (frame,), 0.28125, 1.5, "de")
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", [said, shown], [segment])

        assert catalogue.list_evidence("v1") == [said, shown]
        assert catalogue.list_segments("v1") == [segment]
        assert catalogue.get_segments(["s1", "unknown"]) == {"s1": segment}

    def test_evidence_is_found_by_time_and_modality(self, catalogue: Catalogue) -> None:
        screen = Evidence("e3", "v1", 0, Span(0, 100), Modality.SCREEN, "TITLE", 0.9, "rapidocr")
        rows = [speech("e2", "v1", 5, 8), speech("e1", "v1", 2, 5), screen]
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", rows)

        def ids(**wanted: object) -> list[str]:
            return [item.id for item in catalogue.list_evidence("v1", **wanted)]  # type: ignore[arg-type]

        assert ids() == ["e3", "e1", "e2"]
        assert ids(span=Span(5, 6)) == ["e3", "e2"]
        assert ids(modality="speech") == ["e1", "e2"]
        assert ids(span=Span(4, 5), modality=Modality.SPEECH) == ["e1"]
        assert catalogue.list_evidence("unknown") == []

    def test_thousands_of_ids_are_looked_up_at_once(self, catalogue: Catalogue) -> None:
        rows = [speech(f"e{n}", "v1", n / 100, n / 100 + 1) for n in range(3000)]
        segments = [Segment(f"s{n}", "v1", 0, n, Span(n / 100, n / 100 + 1), (f"e{n}",)) for n in range(3000)]
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", rows, segments)

        wanted = [f"e{n}" for n in range(40_000)]
        assert set(catalogue.get_evidence(wanted)) == {row.id for row in rows}
        assert len(catalogue.get_segments([f"s{n}" for n in range(40_000)])) == 3000
        assert catalogue.get_evidence([]) == {}

    def test_publishing_twice_changes_nothing(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        part = publish(catalogue, "v1", [speech("e1", "v1", 0, 2)])
        hints = catalogue.take_outbox()

        assert catalogue.publish_part(part, [speech("e2", "v1", 0, 2)], [])
        assert [item.id for item in catalogue.list_evidence("v1")] == ["e1"]
        assert catalogue.take_outbox() == hints

    def test_nothing_is_published_for_a_video_that_goes_away(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        catalogue.plan_parts("v1", [Span(0, 120)])
        lease = catalogue.claim_part("worker", lease_s=30)
        assert lease is not None
        catalogue.commit_part(lease, "key")
        (part,) = catalogue.parts_to_publish()
        catalogue.begin_delete("v1")

        assert not catalogue.publish_part(part, [speech("e1", "v1", 0, 2)], [])
        assert catalogue.parts_to_publish() == []
        catalogue.remove_video("v1")
        assert not catalogue.publish_part(part, [speech("e1", "v1", 0, 2)], [])
        assert catalogue.get_evidence(["e1"]) == {}
