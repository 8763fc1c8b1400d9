"""The straight line of a search: plan, encode, rank by channel, fuse, look closely, judge, ground to seconds, merge.

It does not know HTTP, nor which engines stand behind the protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from core.plans import QueryPlan
from core.protocols import LanguageModel, LexicalEncoder, SearchRequest, TextEncoder, VisualEncoder
from core.records import Evidence, Modality, Moment, Reason, Span, Video
from core.signals import SparseVector
from core.stores import Catalogue, Channel, ChannelQuery, Scope, ScoredSegment, SegmentIndex
from rag.answering_words import AnsweringWords
from rag.breath import give_breath
from rag.carry_out import Place, carry_out
from rag.fuse import fuse_rankings
from rag.ground import Ground, Readings, gather_readings, ground_frames, ground_text
from rag.merge import merge_moments
from rag.order import browse, is_inside
from rag.phrases import hold_all, quoting
from rag.plan import plan_query
from rag.plan_model import plan_with_model
from rag.relevance import MIN_SCORE, SHARE_OF_BEST, WORDS_MARGIN, Relevance, judge
from rag.retold import rank_with_retold, split_by_sense
from rag.retrieve import CANDIDATES_PER_CHANNEL, Candidate, QueryVectors, encode_query, examine, rank_channels
from rag.steps import ALL_STEPS, Steps
from rag.titles import TitleSearch, asks_for_titles_alone
from rag.why import mark_matched_lines, name_matched_words

WORD_WEIGHTS = {Channel.TEXT.value: 1.0, Channel.TEXT_TOKENS.value: 1.0, Channel.LEXICAL.value: 0.7}
"""Weights of the channels of words in their fusion."""

N_EXAMINED = 64
"""Candidates looked at closely by words: their three channels disagree most, and pooled tokens only choose."""

N_PICTURES_EXAMINED = 24
"""And by pictures, of which the engine knows every row. The two are not fused by rank: three channels of words would
outvote the one of pictures, and what only shows would never be seen."""

N_QUOTING = 200
"""Segments read for a quoted phrase: those that share its words, best first."""

N_VIDEOS_SEARCHED_BY_PLACE = 16
"""Videos in which a place that depends on their length ("near the end") is looked at, each by itself."""

INTENT_BONUS = 0.06
"""Added to relevant moments found by the sense that the query names: it tips their order, it does not exclude."""

SHARED_BONUS = 0.3
"""Likewise for words that the moment shares with the one that led there, most for the segment that shares the most by
BM25, which is mostly that one itself: what counts are rare words, such as names, numbers, what broke."""

N_SHARING = 60
"""Segments that are ranked by those words."""


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
        model: LanguageModel | None = None,
        floor: float = MIN_SCORE,
    ) -> None:
        self._catalogue = catalogue
        self._index = index
        self._text = text
        self._visual = visual
        self._lexical = lexical
        self._steps = steps
        self._model = model
        self._floor = floor
        self._answering = AnsweringWords(catalogue, index, text)
        self._titles = TitleSearch(catalogue)

    def plan(self, request: SearchRequest) -> QueryPlan:
        """Return how the query is understood: by rules, or as the request wants by the language model or as it is."""
        if not self._steps.planning or request.planning == "none":
            return QueryPlan(request.query, request.query)
        plan = plan_query(request.query)
        if self._model is None or request.planning != "model":
            return plan
        return plan_with_model(self._model, plan, self._text)

    def find(self, request: SearchRequest) -> tuple[Moment, ...]:
        """Return moments, best first, none when nothing is relevant."""
        plan = request.plan or self.plan(request)
        moments = [] if asks_for_titles_alone(request) else carry_out(plan, request, self)
        moments = self._titles.add(moments, plan, request)
        shown = group_by_video(moments, request.group_by)[: request.limit]
        if self._steps.grounding:
            shown = give_breath(shown, self._catalogue, request.time)
        named = self._name_reasons([name_matched_words(moment, plan.described) for moment in shown], plan)
        return tuple(mark_matched_lines(moment) for moment in named)

    def find_part(self, plan: QueryPlan, request: SearchRequest, places: Sequence[Place] = ()) -> list[Moment]:
        """Return the relevant moments for one part of a plan, best first.

        What a model put into words for a sense is looked for by it, beside the query's own words; the better one
        decides.
        """
        found = self._find_fitting(plan, request, places)
        retold = [m for part, asked in split_by_sense(plan, request) for m in self._find_fitting(part, asked, places)]
        if not retold:
            return found
        both = rank_with_retold(found, retold)
        near = [moment for moment in both if is_near(moment.score, both[0].score, request.min_score)]
        kept = near if self._steps.cut_off else both
        return merge_moments(kept) if self._steps.merging else kept

    def _find_fitting(self, plan: QueryPlan, request: SearchRequest, places: Sequence[Place]) -> list[Moment]:
        query, channels = self._encode(plan), self._steps.channels
        rankings = self._rank(query, request, places)
        chosen = choose_candidates(rankings)
        if plan.phrases:
            chosen = self._choose_quoting(plan.phrases, chosen, request)
        candidates = examine(query, chosen, rankings, self._index, self._visual, channels)
        moments = self._ground(candidates.values(), plan, request)
        moments = [moment for moment in moments if _is_at(moment, places, request.time)]
        is_cut, floor = self._steps.cut_off, self._floor
        relevant = keep_relevant(moments, request.min_score, floor=floor) if is_cut else moments
        favoured = _favour(relevant, plan.intent, self._rank_sharing(plan, request))
        return merge_moments(favoured) if self._steps.merging else favoured

    def best_videos(self, plan: QueryPlan, request: SearchRequest) -> list[Video]:
        """Return the videos asked for; else those that fit best, or the newest if nothing is described."""
        if request.video_ids:
            return list(self._videos(request.video_ids).values())
        if plan.is_open:
            return list(self._catalogue.list_videos(request.tenant, limit=N_VIDEOS_SEARCHED_BY_PLACE).items)
        rankings = self._rank(self._encode(plan), request)
        by_rank = zip_longest(*rankings.values())  # the best by each channel, then the second best
        ids = dict.fromkeys(item.video_id for best in by_rank for item in best if item is not None)
        return list(self._videos(list(ids)[:N_VIDEOS_SEARCHED_BY_PLACE]).values())

    def browse(self, place: Place, plan: QueryPlan, request: SearchRequest) -> list[Moment]:
        """Return what is there, in time order: by the sense that the query names, or by all that it allows."""
        video_id, window = place
        video = self._videos([video_id]).get(video_id)
        if video is None or video.tenant != request.tenant:
            return []
        modalities = frozenset(request.modalities) or (frozenset({plan.intent.value}) if plan.intent else frozenset())
        evidence = self._catalogue.list_evidence(video_id, span=window)
        return browse(video, self._catalogue.list_segments(video_id), evidence, window, modalities)

    def _name_reasons(self, moments: Sequence[Moment], plan: QueryPlan) -> list[Moment]:
        """Return the moments, what answers the query named where it shares no word.

        The encoder remembers the query's tokens from the search, but for one that a model put into other words.
        """
        if all(reason.matched for moment in moments for reason in moment.reasons):
            return list(moments)
        return self._answering.name(moments, self._text.embed_query_tokens(plan.text))

    def _encode(self, plan: QueryPlan) -> QueryVectors:
        return encode_query(plan.text, self._text, self._visual, self._lexical)

    def _rank(
        self, query: QueryVectors, request: SearchRequest, places: Sequence[Place] = ()
    ) -> dict[Channel, list[ScoredSegment]]:
        """Return each channel's ranking, over the request's scope or over all of the places together."""
        scopes = [Scope(request.tenant, (video_id,), span) for video_id, span in places]
        scopes = scopes or [Scope(request.tenant, request.video_ids, request.time)]
        rankings: dict[Channel, list[ScoredSegment]] = {}
        for scope in scopes:
            for channel, ranking in rank_channels(query, self._index, scope, self._steps.channels).items():
                rankings.setdefault(channel, []).extend(ranking)
        return {
            channel: sorted(ranking, key=lambda item: -item.score) if places else ranking
            for channel, ranking in rankings.items()
        }

    def _rank_sharing(self, plan: QueryPlan, request: SearchRequest) -> dict[str, float]:
        """Return segments that share words with what led to the plan, beyond the query's own: BM25, 1 for the best."""
        if not plan.led_by or Channel.LEXICAL not in self._steps.channels:
            return {}
        asked, led_by = set(self._lexical.encode_query(plan.query).indices), self._lexical.encode_query(plan.led_by)
        indices = tuple(index for index in led_by.indices if index not in asked)
        words = ChannelQuery(Channel.LEXICAL, SparseVector(indices, (1.0,) * len(indices)))
        scope = Scope(request.tenant, request.video_ids, request.time)
        ranking = self._index.rank(words, scope, limit=N_SHARING) if indices else []
        return {item.segment_id: item.score / (ranking[0].score or 1.0) for item in ranking}

    def _choose_quoting(self, phrases: Sequence[str], chosen: Sequence[str], request: SearchRequest) -> list[str]:
        """Return the segments whose evidence holds the phrases, among the chosen and those that share their words."""
        scope = Scope(request.tenant, request.video_ids, request.time)
        words = self._lexical.encode_query(" ".join(phrases))
        quoted = ChannelQuery(Channel.LEXICAL, words)
        sharing = self._index.rank(quoted, scope, limit=N_QUOTING) if words.indices else []
        segments = self._catalogue.get_segments(list(dict.fromkeys([*chosen, *(s.segment_id for s in sharing)])))
        evidence = self._catalogue.get_evidence([i for segment in segments.values() for i in segment.evidence_ids])
        return [
            segment_id
            for segment_id, segment in segments.items()
            if hold_all(phrases, [evidence[i] for i in segment.evidence_ids if i in evidence])
        ][: 2 * N_EXAMINED]

    def _ground(self, candidates: Iterable[Candidate], plan: QueryPlan, request: SearchRequest) -> list[Moment]:
        """Return a moment for each candidate that may be relevant and can be grounded, best first."""
        modalities, min_score = frozenset(request.modalities), request.min_score
        held = list(candidates)
        if plan.phrases:
            held = _keep_quoting(held, plan.phrases, self._read_evidence(held), modalities)
        judged = [(judge(candidate, modalities), candidate) for candidate in held]
        best = max((relevance.score for relevance, _ in judged), default=0.0)
        if self._steps.cut_off:  # it will drop the others: reading and grounding them is most of a search's own work
            judged = [pair for pair in judged if is_near(pair[0].score, best, min_score)]
        videos = self._videos(candidate.segment.video_id for _, candidate in judged)
        beside = [candidate for candidate in held if candidate.segment.video_id in videos]  # a moment may reach there
        evidence_by_id, readings = self._read_evidence(beside), gather_readings(beside)
        is_grounded = self._steps.grounding and self._steps.late_interaction  # which finds the sentence that matches
        moments: list[tuple[float, Moment]] = []
        for relevance, candidate in judged:
            video = videos.get(candidate.segment.video_id)
            if video is None:
                continue
            moment = _to_moment(candidate, relevance, video, evidence_by_id, readings, modalities, plan.text)
            if moment is not None:
                span = moment.span if is_grounded else candidate.segment.span
                moments.append((relevance.score, replace(moment, span=span)))
        moments.sort(key=lambda pair: (-pair[0], pair[1].video_id, pair[1].span))  # by scores as they are, not rounded
        return [moment for _, moment in moments]

    def _read_evidence(self, candidates: Iterable[Candidate]) -> dict[str, Evidence]:
        """Return the texts of the candidates by id, in time order."""
        ids = [evidence_id for candidate in candidates for evidence_id in candidate.interaction.by_evidence]
        found = self._catalogue.get_evidence(ids).values()
        return {item.id: item for item in sorted(found, key=lambda i: (i.span.start_s, i.span.end_s, i.id))}

    def _videos(self, video_ids: Iterable[str]) -> dict[str, Video]:
        """Return the videos that still exist: one may have been deleted since its segment was ranked."""
        return self._catalogue.get_videos(sorted(set(video_ids)))


def _is_at(moment: Moment, places: Sequence[Place], window: Span | None) -> bool:
    """Whether a moment lies in the window and in one of the places, if any: its segment may, and itself not."""
    spans = [span for video_id, span in places if video_id == moment.video_id]
    return (window is None or is_inside(moment.span, window)) and (
        not places or any(is_inside(moment.span, span) for span in spans)
    )


def choose_candidates(rankings: Mapping[Channel, Sequence[ScoredSegment]]) -> list[str]:
    """Return ids of the segments to look at closely: the best by all channels of words, and the best by pictures."""
    ids = {
        channel.value: [item.segment_id for item in ranking[:CANDIDATES_PER_CHANNEL]]
        for channel, ranking in rankings.items()
    }
    pictures = ids.pop(Channel.FRAMES.value, [])
    words = [segment_id for segment_id, _ in fuse_rankings(ids, WORD_WEIGHTS)]
    return list(dict.fromkeys([*words[:N_EXAMINED], *pictures[:N_PICTURES_EXAMINED]]))


def _keep_quoting(
    candidates: Iterable[Candidate],
    phrases: Sequence[str],
    evidence_by_id: Mapping[str, Evidence],
    modalities: frozenset[str],
) -> list[Candidate]:
    """Return the candidates that hold the quoted phrases in evidence of the given modalities (empty: of any)."""
    kept = []
    for candidate in candidates:
        own = [evidence_by_id[i] for i in candidate.interaction.by_evidence if i in evidence_by_id]
        quoted = quoting(candidate, phrases, [i for i in own if not modalities or i.modality.value in modalities])
        if quoted is not None:
            kept.append(quoted)
    return kept


def _favour(moments: Sequence[Moment], intent: Modality | None, sharing: Mapping[str, float]) -> list[Moment]:
    """Return the moments, best first; those found by the sense that the query names, and those of segments that share
    words with what led here, fit a little better.
    """
    if intent is None and not sharing:
        return list(moments)
    raised = [
        (
            moment.score
            + INTENT_BONUS * (moment.modality is intent)
            + SHARED_BONUS * max((sharing.get(segment_id, 0.0) for segment_id in moment.segment_ids), default=0.0),
            moment,
        )
        for moment in moments
    ]
    raised.sort(key=lambda pair: -pair[0])
    return [replace(moment, score=round(min(1.0, score), 4)) for score, moment in raised]


def keep_relevant(moments: Sequence[Moment], min_score: float | None, *, floor: float = MIN_SCORE) -> list[Moment]:
    """Return the moments near enough to the best; none if none reaches the floor. A given ``min_score`` is both.

    The floor asks whether the library speaks of it at all (for words WORDS_MARGIN above that of pictures); once it
    does, weaker moments are worth showing.
    """
    if min_score is None and not any(moment.score >= _floor_of(moment, floor) for moment in moments):
        return []
    return [moment for moment in moments if is_near(moment.score, moments[0].score, min_score)]


def _floor_of(moment: Moment, floor: float) -> float:
    return floor if moment.modality is Modality.VISUAL else floor + WORDS_MARGIN


def is_near(score: float, best: float, min_score: float | None) -> bool:
    """Whether a score may stand beside the best one; a given ``min_score`` is all that is asked."""
    return score >= (SHARE_OF_BEST * best if min_score is None else min_score)


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
    readings: Readings,
    modalities: frozenset[str],
    query: str,
) -> Moment | None:
    is_seen = not modalities or Modality.VISUAL in modalities
    grounds = order_grounds(
        relevance,
        lambda: ground_text(candidate, evidence_by_id, readings, modalities, query=query),
        lambda: ground_frames(candidate) if is_seen else None,
    )
    if not grounds:
        return None
    winner = grounds[0]
    beside = [evidence_by_id[i] for i in candidate.segment.evidence_ids if i in evidence_by_id]
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
        video_revision=video.revision,
    )


def order_grounds(
    relevance: Relevance, text: Callable[[], Ground | None], frames: Callable[[], Ground | None]
) -> list[Ground]:
    """Return where the candidate matches, the better sense first, the other only if it would be shown by itself.

    A sense that is not shown is not grounded: for texts that is most of a search's own work.
    """
    senses = [(relevance.text, text), (relevance.visual, frames)]
    grounds: list[Ground] = []
    for fit, find_ground in senses[::-1] if relevance.is_visual else senses:
        if not grounds or is_near(fit, relevance.score, None):
            ground = find_ground()
            grounds += [ground] if ground is not None else []
    return grounds


def _reason(ground: Ground) -> Reason:
    if ground.modality is Modality.VISUAL:
        matched = f"the picture at {ground.time_s:.1f}\N{NO-BREAK SPACE}s"
        return Reason(Modality.VISUAL, round(ground.score, 4), matched=matched)
    told = " ".join(reading for item in ground.evidence for reading in item.readings)
    first = ground.evidence[0]
    return Reason(ground.modality, round(ground.score, 4), first.id, told, first.region)
