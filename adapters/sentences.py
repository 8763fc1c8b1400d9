"""Turns recognised words into sentences and drops what nobody said; used by the speech recogniser.

It does not know the model: it sees words with times and probabilities, and how sure the decoder was of the whole.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from core.records import Span, Word
from core.signals import Utterance

MAX_SENTENCE_S = 12.0
"""Longer runs are cut at their best pause, so that a citation seeks close to the words it quotes."""
SENTENCE_PAUSE_S = 1.5
"""A silence this long ends a sentence whatever the punctuation says; speeches pause up to 1.6 s at a comma."""
MIN_PIECE_S = 2.0
"""A long run is not cut closer to its ends than this."""
CLAUSE_BONUS_S = 0.4
"""A comma counts like this much more pause when the place to cut a long run is chosen."""
LOOP_RATIO = 2.4
"""Text that zlib packs better than this repeats itself (the threshold of the Whisper paper, section 4.5)."""
SILENT_NO_SPEECH, SILENT_LOGPROB = 0.4, -0.9
"""No speech likely and words unlikely: dropped (music measured on adverts and film openings)."""
HOPELESS_LOGPROB = -1.6
"""Words this unlikely (a geometric mean of 0.2) are noise, whatever else speaks for them."""
SCANT_WORDS, SCANT_LOGPROB, SCANT_NO_SPEECH = 2, -1.0, 0.2
"""One or two unlikely words are a bang or a chord ("Well..." over an advert: -1.26, 0.33)."""
DOUBTFUL_NO_SPEECH, DOUBTFUL_LOGPROB = 0.3, -0.6
"""Beyond one of these, a known phantom phrase is not believed."""
_FLOOR_PROBABILITY = 1e-3

_TERMINAL = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_CLAUSE = re.compile(r"[,;:、，；：–—][\"'”’»)\]]*$")
_ABBREVIATION = re.compile(r"^(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|No|etc|e\.g|i\.e|z\.B|Hr|Fr|M|Mme)\.$")
_SOUND_LABEL = re.compile(r"^\W*[\[(（*♪♫].*[\])）*♪♫]\W*$|^[\W♪♫]+$")
_PHANTOMS = re.compile(
    r"^\W*(?:"
    r"(?:thank you|thanks)(?: (?:so|very) much)?(?: for (?:watching|listening|viewing))?(?: and see you.*)?|"
    r"(?:please )?(?:like and )?subscribe.*|see you (?:next time|in the next video)|bye[- ]?bye|bye|you|oh|okay|"
    r"i'm sorry|(?:subtitles|captions|transcri\w+) by.*|.*amara\.org.*|sous-titr\w+.*|merci d'avoir regardé.*|"
    r"untertitel\w* .*|copyright wdr.*|vielen dank(?: fürs zuschauen)?|subtítulos .*|gracias por ver.*|"
    r"字幕.*|請不吝.*|请不吝.*|谢谢(?:大家|观看).*|ご視聴.*|구독.*|시청해.*"
    r")\W*$",
    re.IGNORECASE,
)
"""What Whisper writes over noise and music, since its training subtitles end so."""


@dataclass(frozen=True, slots=True)
class Take:
    """What the decoder wrote for one piece of audio; times of words count from the caller's sample 0."""

    words: tuple[Word, ...]
    mean_logprob: float
    no_speech: float


def is_loop(text: str) -> bool:
    """Whether the text repeats itself so much that the decoder was stuck.

    >>> is_loop("I'm sorry " * 20), is_loop("The cry is always the same, we want to be free.")
    (True, False)
    """
    data = text.encode()
    return len(data) / len(zlib.compress(data)) > LOOP_RATIO if data else False


def split_sentences(words: Sequence[Word]) -> list[tuple[Word, ...]]:
    """Return the words as sentences: at final punctuation, at long pauses, and none much over MAX_SENTENCE_S.

    >>> said = [Word("Hello.", 0, 0.5), Word("It", 0.6, 0.8), Word("works", 0.8, 1.2), Word("Bye", 4, 4.5)]
    >>> [" ".join(word.text for word in sentence) for sentence in split_sentences(said)]
    ['Hello.', 'It works', 'Bye']
    """
    sentences: list[list[Word]] = []
    for position, word in enumerate(words):
        if position == 0 or _ends_sentence(words[position - 1], word):
            sentences.append([])
        sentences[-1].append(word)
    return [piece for sentence in sentences for piece in _cut_long(tuple(sentence))]


def _ends_sentence(before: Word, after: Word) -> bool:
    if after.start_s - before.end_s >= SENTENCE_PAUSE_S:
        return True
    text = before.text.strip()
    return bool(_TERMINAL.search(text)) and not _ABBREVIATION.match(text)


def _cut_long(sentence: tuple[Word, ...]) -> list[tuple[Word, ...]]:
    if sentence[-1].end_s - sentence[0].start_s <= MAX_SENTENCE_S:
        return [sentence]
    cuts = [
        cut
        for cut in range(1, len(sentence))
        if sentence[cut - 1].end_s - sentence[0].start_s >= MIN_PIECE_S
        and sentence[-1].end_s - sentence[cut].start_s >= MIN_PIECE_S
    ]
    if not cuts:
        return [sentence]
    middle_s = (sentence[0].start_s + sentence[-1].end_s) / 2

    def fitness(cut: int) -> float:
        pause_s = sentence[cut].start_s - sentence[cut - 1].end_s
        clause_s = CLAUSE_BONUS_S if _CLAUSE.search(sentence[cut - 1].text.strip()) else 0.0
        return pause_s + clause_s - 0.05 * abs(sentence[cut].start_s - middle_s)

    best = max(cuts, key=fitness)
    return _cut_long(sentence[:best]) + _cut_long(sentence[best:])


def write_utterances(take: Take, *, is_spaced: bool = True) -> list[Utterance]:
    """Return the sentences of a take that somebody most likely said, in time order.

    ``mean_logprob`` of an utterance is the mean over its own words, not over the piece it was decoded with.
    ``is_spaced`` is False for scripts whose words are not separated (Chinese, Japanese, Thai …).
    """
    utterances = []
    for words in split_sentences(glue_clitics(take.words) if is_spaced else take.words):
        text = (" " if is_spaced else "").join(word.text for word in words).strip()
        start_s, end_s = words[0].start_s, words[-1].end_s
        if not text or end_s <= start_s:
            continue
        logprob = sum(math.log(max(word.confidence, _FLOOR_PROBABILITY)) for word in words) / len(words)
        utterance = Utterance(Span(start_s, end_s), text, words, logprob, take.no_speech)
        if not is_phantom(utterance, take.mean_logprob):
            utterances.append(utterance)
    return utterances


def is_phantom(utterance: Utterance, take_logprob: float) -> bool:
    """Whether the decoder most likely invented the utterance over noise, music or silence.

    >>> phrase = Utterance(Span(0, 1), "Thanks for watching!", (), mean_logprob=-0.9, no_speech=0.5)
    >>> is_phantom(phrase, -0.8)
    True
    """
    text = utterance.text
    if _SOUND_LABEL.match(text) or is_loop(text):
        return True
    if utterance.no_speech > SILENT_NO_SPEECH and min(take_logprob, utterance.mean_logprob) < SILENT_LOGPROB:
        return True
    if utterance.mean_logprob < HOPELESS_LOGPROB:
        return True
    is_scant = len(text.split()) <= SCANT_WORDS and utterance.no_speech > SCANT_NO_SPEECH
    if is_scant and utterance.mean_logprob < SCANT_LOGPROB:
        return True
    is_doubtful = utterance.no_speech > DOUBTFUL_NO_SPEECH or utterance.mean_logprob < DOUBTFUL_LOGPROB
    return is_doubtful and bool(_PHANTOMS.match(text))


def glue_clitics(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return words as people count them: a piece that does not begin with a space joins the one before it.

    >>> pieces = [Word(" c", 0, 0.1), Word("'est", 0.1, 0.3), Word(" la", 0.3, 0.4)]
    >>> [word.text for word in glue_clitics(pieces)]
    ["c'est", 'la']
    """
    glued: list[Word] = []
    for word in words:
        if glued and not word.text.startswith(" "):
            last = glued.pop()
            confidence = min(last.confidence, word.confidence)
            glued.append(Word(last.text + word.text.strip(), last.start_s, word.end_s, confidence))
        else:
            glued.append(Word(word.text.strip(), word.start_s, word.end_s, word.confidence))
    return tuple(glued)
