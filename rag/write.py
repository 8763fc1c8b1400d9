"""Writing: a model's reply read strictly, or, without a model, the best evidence quoted word for word.

It does not know where exhibits come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import CannotSee, TryAgain
from core.protocols import LanguageModel, Message, TextEncoder
from core.records import Modality, Moment
from rag.check import CheckedAnswer, cite
from rag.exhibits import Exhibit, quotable, timecode
from rag.late_interaction import interact_texts
from rag.prompt import REMINDER, REPLY_SCHEMA, without_pictures
from rag.relevance import MIN_SCORE
from rag.replies import find_object

MAX_QUOTES = 3
"""Quotes of an extractive answer; more is a search result, not an answer."""

MIN_QUOTE_SCORE = 0.3
"""Mean of dense cosine and MaxSim of question and quote, below which a quote does not answer."""

SHARE_OF_BEST_QUOTE = 0.8
"""Further quotes must fit nearly as well as the first."""

N_HEARD, MAX_MORE, SHARE_OF_BEST_ELSEWHERE = 4, 2, 0.65
"""Of so many best moments, those that none of these quotes is from add their best one, if it fits this well beside the
first, and so many at most: the other place of a question of several fits less, as half of what it tells is not asked.
"""


MAX_REPEATED_CHARS = 300
"""What is shown of a reply of the wrong form, with the REMINDER: a model that begins to repeat itself would go on."""


class Reply(BaseModel):
    """What a model must reply."""

    model_config = ConfigDict(extra="ignore")

    is_answered: bool
    answer: str


def ask_model(model: LanguageModel, messages: Sequence[Message]) -> Reply:
    """Return the model's reply, asked again with a reminder if it is not the JSON wanted, or without pictures if blind.

    Raises:
        TryAgain: the model is unreachable, or replies rubbish twice.
        BadInput: the endpoint refuses the request.
    """
    shown: Sequence[Message] = messages
    for _ in range(2):
        try:
            text = model.complete(shown, schema=REPLY_SCHEMA)
        except CannotSee:
            shown = [without_pictures(message) for message in shown]
            text = model.complete(shown, schema=REPLY_SCHEMA)
        reply = read_reply(text)
        if reply is not None:
            return reply
        shown = [*shown, Message("assistant", (text[:MAX_REPEATED_CHARS],)), Message("user", (REMINDER,))]
    raise TryAgain(
        f"{model.name} did not reply in the form asked for", remedy="Try again, or configure a more capable model."
    )


def read_reply(text: str) -> Reply | None:
    """Return the reply inside a text, also when the model wrapped the JSON in prose or a code fence; None if none is.

    >>> read_reply('Sure! {"is_answered": true, "answer": "Ten [1]."}').answer
    'Ten [1].'
    >>> read_reply("no idea") is None
    True
    """
    try:
        return Reply.model_validate_json(find_object(text))
    except ValidationError:
        return None


def quote_evidence(question: str, exhibits: Sequence[Exhibit], encoder: TextEncoder) -> CheckedAnswer:
    """Return an answer made of the quotes that fit the question best, in time order; empty when none fits."""
    held = quotable(exhibits)
    if not held:
        return _describe_pictures(exhibits)
    scores = dict(zip((item.number for item in held), _fit(question, held, encoder), strict=True))
    ranked = sorted(held, key=lambda exhibit: -scores[exhibit.number])
    best = scores[ranked[0].number]
    if best < MIN_QUOTE_SCORE:
        return _describe_pictures(exhibits)
    fitting = [item for item in ranked if scores[item.number] >= best * SHARE_OF_BEST_QUOTE][:MAX_QUOTES]
    near = [item for item in ranked if scores[item.number] >= best * SHARE_OF_BEST_ELSEWHERE]
    fitting += hear_others(fitting, near)
    return _quote(list(dict.fromkeys(part for item in fitting for part in finish_sentence(item, held))))


def hear_others(quoted: Sequence[Exhibit], ranked: Iterable[Exhibit]) -> list[Exhibit]:
    """Return the best quote of each of the N_HEARD best moments that is not quoted yet, MAX_MORE of them at most."""
    heard = {item.rank for item in quoted}
    best_by_rank: dict[int, Exhibit] = {}
    for item in ranked:
        if item.rank not in heard and item.rank < N_HEARD:
            best_by_rank.setdefault(item.rank, item)
    return list(best_by_rank.values())[:MAX_MORE]


def quote_place(moments: Sequence[Moment], exhibits: Sequence[Exhibit], focus_s: Mapping[str, float]) -> CheckedAnswer:
    """Return an answer made of what stands in the moments, which were asked for by their place, in their order.

    Quoted is what is nearest to ``focus_s``, the second of each video that was meant most: of its end the last words.
    """
    there = {item.id for moment in moments for item in moment.evidence}
    held = [exhibit for exhibit in quotable(exhibits) if exhibit.evidence_id in there]
    nearest = sorted(held, key=lambda exhibit: _distance_s(exhibit, focus_s))[:MAX_QUOTES]
    return _quote([exhibit for exhibit in held if exhibit in nearest]) if held else _describe_pictures(exhibits)


def _distance_s(exhibit: Exhibit, focus_s: Mapping[str, float]) -> tuple[float, float]:
    """Return how far an exhibit is from its video's focus, and its middle: what is there for a while comes second."""
    at_s = focus_s.get(exhibit.video_id, 0.0)
    return max(exhibit.span.start_s - at_s, at_s - exhibit.span.end_s, 0.0), abs(exhibit.span.middle_s - at_s)


def finish_sentence(exhibit: Exhibit, exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """Return the exhibit, and the one that follows it at once if it breaks off in the middle of a sentence."""
    if exhibit.modality is not Modality.SPEECH or exhibit.text.rstrip().endswith(_SENTENCE_ENDS):
        return [exhibit]
    following = [
        item
        for item in exhibits
        if item.video_id == exhibit.video_id
        and item.modality is Modality.SPEECH
        and 0 <= item.span.start_s - exhibit.span.end_s <= MAX_BREATH_S
    ]
    return [exhibit, *following[:1]]


_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", '."', ".”", "?”", "!”")

MAX_BREATH_S = 1.0
"""Pause within a sentence that recognisers and subtitles break in two."""


def _quote(chosen: Sequence[Exhibit]) -> CheckedAnswer:
    lines = [f"{_introduce(item)}: “{item.text}” [{number}]" for number, item in enumerate(chosen, start=1)]
    citations = tuple(cite(item, number) for number, item in enumerate(chosen, start=1))
    return CheckedAnswer("\n".join(lines), citations, ())


def _fit(question: str, held: Sequence[Exhibit], encoder: TextEncoder) -> list[float]:
    """Return how well each exhibit fits the question: the mean of MaxSim and of the cosine of the whole texts."""
    texts = [exhibit.text for exhibit in held]
    cosines = encoder.text_scale.read(encoder.embed_passages(texts) @ encoder.embed_query(question))
    tokens, query_tokens = encoder.embed_passage_tokens(texts), encoder.embed_query_tokens(question)
    late = interact_texts(query_tokens, tokens, encoder.token_scale)
    return [(cosine + fit) / 2 for cosine, fit in zip(cosines.tolist(), late, strict=True)]


def _describe_pictures(exhibits: Sequence[Exhibit]) -> CheckedAnswer:
    """Point to the pictures that a search would find, without a word about what they show: no model has looked."""
    found = [item for item in exhibits if item.modality is Modality.VISUAL and item.relevance >= MIN_SCORE]
    pictures = found[:MAX_QUOTES]
    if not pictures:
        return CheckedAnswer("", (), ())
    places = [
        f"“{item.video_title}” at {timecode(item.span.start_s)} [{number}]"
        for number, item in enumerate(pictures, start=1)
    ]
    citations = tuple(cite(item, number) for number, item in enumerate(pictures, start=1))
    return CheckedAnswer(f"These pictures fit best: {', '.join(places)}.", citations, ())


def _introduce(exhibit: Exhibit) -> str:
    verb = {Modality.SPEECH: "it is said", Modality.SCREEN: "the screen reads", Modality.CAPTION: "a model describes"}
    what = verb.get(exhibit.modality, "it shows")
    return f"In “{exhibit.video_title}” at {timecode(exhibit.span.start_s)} {what}"
