"""Parts tile a video, begin where decoding can start, and are neither tiny nor huge."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given

from core.signals import MediaInfo
from indexer.parts import FAR_SHARE, FIRST_PART_S, MIN_LAST_SHARE, NEAR_SHARES, plan_parts

SIZE_PX = (1280, 720)


def film(duration_s: float, keyframes_s: tuple[float, ...]) -> MediaInfo:
    return MediaInfo(duration_s, SIZE_PX, has_audio=False, keyframe_times_s=keyframes_s)


@given(
    duration_s=st.floats(0.1, 20_000),
    gaps_s=st.lists(st.floats(0.1, 400), max_size=300),
    target_s=st.floats(10, 600),
    has_video=st.booleans(),
)
def test_parts_tile_any_video(duration_s: float, gaps_s: list[float], target_s: float, has_video: bool) -> None:
    times_s, time_s = [], 0.0
    for gap_s in gaps_s:
        times_s.append(time_s)
        time_s += gap_s
    keyframes_s = tuple(time_s for time_s in times_s if time_s < duration_s)
    info = MediaInfo(duration_s, SIZE_PX, True, keyframes_s) if has_video else MediaInfo(duration_s, None, True)
    parts = plan_parts(info, target_s=target_s)
    assert parts[0].start_s == 0
    assert parts[-1].end_s == duration_s
    assert all(a.end_s == b.start_s for a, b in pairwise(parts))
    assert all(part.duration_s <= (FAR_SHARE + MIN_LAST_SHARE) * target_s for part in parts)
    if len(parts) > 1:
        assert parts[-1].duration_s >= target_s * MIN_LAST_SHARE - 1e-6
        assert min(part.duration_s for part in parts[1:]) >= target_s * min(NEAR_SHARES[0], MIN_LAST_SHARE) - 1e-6


def test_cuts_at_keyframes_and_begins_with_a_short_part() -> None:
    parts = plan_parts(film(600.0, tuple(i * 10.0 for i in range(60))), target_s=60.0)
    assert [part.start_s for part in parts[:3]] == [0.0, 20.0, 80.0]
    assert parts[0].duration_s <= FIRST_PART_S


def test_a_short_video_is_one_part() -> None:
    assert len(plan_parts(film(75.0, (0.0, 40.0)), target_s=60.0)) == 1


def test_follows_rare_keyframes_and_gives_up_on_absent_ones() -> None:
    rare = plan_parts(film(1200.0, (0.0, 150.0, 300.0, 450.0)), target_s=60.0)
    assert {150.0, 300.0, 450.0} <= {part.start_s for part in rare}
    absent = plan_parts(film(1200.0, (0.0,)), target_s=60.0)
    assert max(part.duration_s for part in absent) == pytest.approx(60.0, rel=MIN_LAST_SHARE)
