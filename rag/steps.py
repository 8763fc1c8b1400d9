"""The steps of a search that can be left out, so that what each one contributes can be measured.

It does not know what the steps do; ``kinograph eval --ablation`` leaves each out in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from core.stores import Channel

CHANNELS_BY_STEP = {
    "dense": frozenset({Channel.TEXT}),
    "late_interaction": frozenset({Channel.TEXT_TOKENS}),
    "lexical": frozenset({Channel.LEXICAL}),
    "pictures": frozenset({Channel.FRAMES, Channel.FRAME_MEAN}),
}
"""Steps that rank segments by a channel of their own."""

QUESTION_STEPS = ("passages", "hops", "graph")
"""Steps that only a question takes; a search is the same without them."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Which steps of a search are taken; a running service takes all of them.

    ``planning``: read the query for senses, quotations, places in the video and order. ``dense``,
    ``late_interaction``, ``lexical``, ``pictures``: rank and score by these channels; what is left out is stood in for
    by the others. ``grounding``: narrow a segment to the seconds that match (needs late interaction). ``merging``: fold
    repeated moments. ``cut_off``: return nothing for what is not there. Of questions alone — ``passages``: read the
    sentences beside what fits, and see pictures in their scene. ``hops``: search for what the best moments lead to.
    ``graph``: add events of the entities that the question names.

    >>> Steps(lexical=False).without("merging").merging
    False
    >>> sorted(Steps.with_only("pictures").channels)
    [<Channel.FRAME_MEAN: 'frame_mean'>, <Channel.FRAMES: 'frames'>]
    """

    planning: bool = True
    dense: bool = True
    late_interaction: bool = True
    lexical: bool = True
    pictures: bool = True
    grounding: bool = True
    merging: bool = True
    cut_off: bool = True
    passages: bool = True
    hops: bool = True
    graph: bool = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @classmethod
    def with_only(cls, channel_step: str) -> Steps:
        """Return all steps but those that rank by another channel."""
        return replace(cls(), **{name: name == channel_step for name in CHANNELS_BY_STEP})

    def without(self, name: str) -> Steps:
        return replace(self, **{name: False})

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels that rank and score."""
        return frozenset().union(*(held for name, held in CHANNELS_BY_STEP.items() if getattr(self, name)))


ALL_STEPS = Steps()
