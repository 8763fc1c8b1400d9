"""The straight line of a search: encode, rank by channel, fuse, look closely, judge, ground to seconds, merge.

It does not know HTTP, nor which engines stand behind the protocols.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from core.protocols import LexicalEncoder, SearchRequest, TextEncoder, VisualEncoder
from core.records import Evidence, Modality, Moment, Reason, Video
from core.stores import Catalogue, Channel, Scope, ScoredSegment, SegmentIndex
from rag.fuse import fuse_rankings
from rag.ground import Ground, ground_frames, ground_text
from rag.merge import merge_moments
from rag.relevance import MIN_SCORE, SHARE_OF_BEST, Relevance, judge
from rag.retrieve import Candidate, encode_query, examine, rank_channels
from rag.steps import ALL_STEPS, Steps
from rag.why import name_matched_words

WORD_WEIGHTS = {Channel.TEXT.value: 1.0, Channel.TEXT_TOKENS.value: 1.0, Channel.LEXICAL.value: 0.7}
"""Weights of the channels of words in their fusion."""

N_EXAMINED = 24
"""Candidates looked at closely by words, and as many by pictures. The two are not fused by rank: three channels of
words would outvote the one of pictures, and what only shows would never be seen."""


class MomentSearch:
    """Implements ``core.protocols.MomentFinder`` over an index and a catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        index: SegmentIndex,
        text: TextEncoder,
        visual: VisualEncoder,
        lexical: LexicalEncoder,
        steps: Steps = ALL_STEPS,
    ) -> None:
        self._catalogue = catalogue
        self._index = index
        self._text = text
        self._visual = visual
        self._lexical = lexical
        self._steps = steps

    def find(self, request: SearchRequest) -> tuple[Moment, ...]:
        """Return moments, best first, none when nothing is relevant."""
        scope = Scope(request.tenant, request.video_ids, request.time)
        query = encode_query(request.query, self._text, self._visual, self._lexical)
        channels = self._steps.channels
        rankings = rank_channels(query, self._index, scope, channels)
        candidates = examine(query, choose_candidates(rankings), rankings, self._index, self._visual, channels)
        moments = self._ground(candidates.values(), frozenset(request.modalities))
        relevant = keep_relevant(moments, request.min_score) if self._steps.cut_off else moments
        merged = merge_moments(relevant) if self._steps.merging else relevant
        shown = group_by_video(merged, request.group_by)[: request.limit]
        return tuple(name_matched_words(moment, request.query) for moment in shown)

    def _ground(self, candidates: Iterable[Candidate], modalities: frozenset[str]) -> list[Moment]:
        """Return a moment for each candidate that can be grounded, best first."""
        held = list(candidates)
        evidence_by_id = self._catalogue.get_evidence(
            [evidence_id for candidate in held for evidence_id in candidate.interaction.by_evidence]
        )
        scores = _best_scores(held)
        videos = self._videos(candidate.segment.video_id for candidate in held)
        is_grounded = self._steps.grounding and self._steps.late_interaction  # which finds the sentence that matches
        moments = []
        for candidate in held:
            video = videos.get(candidate.segment.video_id)
            if video is None:
                continue
            relevance = judge(candidate, modalities, agreement=self._steps.agreement)
            moment = _to_moment(candidate, relevance, video, evidence_by_id, scores, modalities)
            if moment is not None:
                moments.append(moment if is_grounded else replace(moment, span=candidate.segment.span))
        return sorted(moments, key=lambda moment: (-moment.score, moment.video_id, moment.span))

    def _videos(self, video_ids: Iterable[str]) -> dict[str, Video]:
        """Return the videos that still exist: one may have been deleted since its segment was ranked."""
        return self._catalogue.get_videos(sorted(set(video_ids)))


def choose_candidates(rankings: Mapping[Channel, Sequence[ScoredSegment]]) -> list[str]:
    """Return ids of the segments to look at closely: the best by all channels of words, and the best by pictures."""
    ids = {channel.value: [item.segment_id for item in ranking] for channel, ranking in rankings.items()}
    pictures = ids.pop(Channel.FRAMES.value, [])
    words = [segment_id for segment_id, _ in fuse_rankings(ids, WORD_WEIGHTS)]
    return list(dict.fromkeys([*words[:N_EXAMINED], *pictures[:N_EXAMINED]]))


def _best_scores(candidates: Iterable[Candidate]) -> dict[str, float]:
    """Return the best score of each piece of evidence; one that shows in several segments has one in each."""
    scores: dict[str, float] = {}
    for candidate in candidates:
        for evidence_id, score in candidate.interaction.by_evidence.items():
            scores[evidence_id] = max(score, scores.get(evidence_id, -1.0))
    return scores


def keep_relevant(moments: Sequence[Moment], min_score: float | None, *, floor: float = MIN_SCORE) -> list[Moment]:
    """Return the moments near enough to the best; none if the best is below the floor. A given ``min_score`` is both.

    The floor asks whether the library speaks of it at all; once it does, weaker moments are worth showing.
    """
    if not moments or moments[0].score < (floor if min_score is None else min_score):
        return []
    threshold = SHARE_OF_BEST * moments[0].score if min_score is None else min_score
    return [moment for moment in moments if moment.score >= threshold]


def group_by_video(moments: Sequence[Moment], group_by: str | None) -> list[Moment]:
    """Return the moments, or only the best of each video when ``group_by`` is "video"."""
    if group_by != "video":
        return list(moments)
    best: dict[str, Moment] = {}
    for moment in moments:
        best.setdefault(moment.video_id, moment)
    return list(best.values())


def _to_moment(
    candidate: Candidate,
    relevance: Relevance,
    video: Video,
    evidence_by_id: Mapping[str, Evidence],
    scores: Mapping[str, float],
    modalities: frozenset[str],
) -> Moment | None:
    text = ground_text(candidate, evidence_by_id, scores, modalities)
    frames = ground_frames(candidate) if not modalities or Modality.VISUAL in modalities else None
    grounds = [ground for ground in ((frames, text) if relevance.is_visual else (text, frames)) if ground is not None]
    if not grounds:
        return None
    winner = grounds[0]
    beside = [item for item in evidence_by_id.values() if item.id in candidate.segment.evidence_ids]
    return Moment(
        video_id=video.id,
        video_title=video.title,
        span=winner.span,
        score=round(relevance.score, 4),
        modality=winner.modality,
        evidence=winner.evidence or tuple(item for item in beside if item.span.overlap_s(winner.span) > 0),
        reasons=tuple(_reason(ground) for ground in grounds),
        thumbnail_time_s=winner.time_s if candidate.segment.keyframes else None,
        segment_ids=(candidate.segment.id,),
    )


def _reason(ground: Ground) -> Reason:
    if ground.modality is Modality.VISUAL:
        return Reason(Modality.VISUAL, round(ground.score, 4), matched=f"the picture at {ground.time_s:.1f} s")
    best = ground.evidence[0]
    return Reason(ground.modality, round(ground.score, 4), best.id, " ".join(item.text for item in ground.evidence))
