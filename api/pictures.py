"""Finds the keyframe that shows an instant of a video.

It does not know how pictures are sent or made.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict

from core.records import Keyframe, Video
from core.stores import EvidenceCatalogue

MAX_VIDEOS = 64
"""A ten-hour video has some ten thousand keyframes, about 2 MB here."""


class KeyframeShelf:
    """Keeps the keyframes of the videos looked at last, since a page of results asks for twenty pictures at once."""

    def __init__(self, catalogue: EvidenceCatalogue) -> None:
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._keyframes_by_state: OrderedDict[tuple[str, int, int], list[Keyframe]] = OrderedDict()

    def nearest(self, video: Video, time_s: float) -> Keyframe | None:
        """Return the keyframe in whose stretch the instant lies, else the last before it, else the first.

        None when there is none yet. Instants are told in milliseconds, and a stretch holds its first one although that
        was rounded down.
        """
        keyframes = self._of(video)
        if not keyframes:
            return None
        after = bisect_right(keyframes, round(time_s, 3), key=lambda keyframe: round(keyframe.span.start_s, 3))
        return keyframes[max(0, after - 1)]

    def _of(self, video: Video) -> list[Keyframe]:
        """Return the keyframes in time order; revision and published parts tell a stale list from a fresh one.

        An empty one is not kept: a video that is indexed again begins in the same state, and has some.
        """
        state = (video.id, video.revision, video.n_parts_published)
        with self._lock:
            if state in self._keyframes_by_state:
                self._keyframes_by_state.move_to_end(state)
                return self._keyframes_by_state[state]
        segments = self._catalogue.list_segments(video.id)
        found = {keyframe.image_key: keyframe for segment in segments for keyframe in segment.keyframes}
        keyframes = sorted(found.values(), key=lambda keyframe: keyframe.time_s)
        if not keyframes:
            return keyframes
        with self._lock:
            self._keyframes_by_state[state] = keyframes
            while len(self._keyframes_by_state) > MAX_VIDEOS:
                self._keyframes_by_state.popitem(last=False)
        return keyframes
