"""Why a moment matched, for people: the words that query and evidence share, and where in the picture they stand.

It does not know scores, nor how they are shown; ``rag.answering_words`` knows what to name where no word is shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.records import Evidence, Modality, Moment, Reason, Region
from core.scripts import RUN, UNSPACED, WORD_OR_RUN
from rag.language import function_words

MIN_RUN = 2
"""Characters in a row that count as a word shared where there are no spaces; one alone is shared by chance."""

_WORD = re.compile(f"{RUN.pattern}|[^\\W_{UNSPACED}]{{3,}}")


def name_matched_words(moment: Moment, query: str) -> Moment:
    """Return the moment, its reasons naming the words that stand in the query too; a match in meaning has none."""
    return replace(
        moment,
        reasons=tuple(
            reason
            if reason.evidence_id is None
            else replace(reason, matched=" ".join(shared_words(query, reason.matched)))
            for reason in moment.reasons
        ),
    )


def mark_matched_lines(moment: Moment) -> Moment:
    """Return the moment, the regions of texts on screen narrowed to the lines in which the matched words stand."""
    evidence_by_id = {item.id: item for item in moment.evidence}
    return replace(moment, reasons=tuple(_narrow(reason, evidence_by_id) for reason in moment.reasons))


def _narrow(reason: Reason, evidence_by_id: Mapping[str, Evidence]) -> Reason:
    item = evidence_by_id.get(reason.evidence_id or "")
    if reason.region is None or item is None or item.modality is not Modality.SCREEN:
        return reason
    lines, boxes = item.text.split("\n"), reason.region.boxes
    chosen = choose_lines(lines, reason.matched) if len(lines) == len(boxes) else []
    return replace(reason, region=Region(reason.region.time_s, tuple(boxes[n] for n in chosen))) if chosen else reason


def choose_lines(lines: Sequence[str], matched: str) -> list[int]:
    """Return the numbers of the fewest lines that hold the matched words, those with most of them; [] if none does.

    >>> choose_lines(["Tides", "Spring tide", "Neap tide at the harbour"], "tide harbour")
    [2]
    >>> choose_lines(["Tides", "Spring tide", "Neap tide"], "Neap Tides"), choose_lines(["Tides"], "")
    ([0, 2], [])
    """
    missing = {word.casefold() for word in WORD_OR_RUN.findall(matched)}
    held = [{word for word in missing if _stands_in(word, line.casefold())} for line in lines]
    chosen: list[int] = []
    while any(missing & words for words in held):
        best = max(range(len(lines)), key=lambda number: len(missing & held[number]))
        chosen.append(best)
        missing -= held[best]
    return sorted(chosen)


def _stands_in(word: str, line: str) -> bool:
    """Whether a word stands in a line: as a whole one, where there are spaces between words."""
    return word in (line if RUN.match(word) else WORD_OR_RUN.findall(line))


def shared_words(query: str, text: str) -> list[str]:
    """Return the words of the text that begin like a word of the query, each once, in order.

    Where there are no spaces between words, the longest runs of characters that stand in the query too.

    >>> shared_words("permission to use voices commercially", "You may use this voice for commercial ends.")
    ['use', 'voice', 'commercial']
    >>> shared_words("被子固定器", "一定要用这个辈子固定器。")
    ['子固定器']
    """
    small = function_words("en")
    stems = {stem(word) for word in _WORD.findall(query.casefold()) if word not in small}
    runs = RUN.findall(query)
    shared: list[str] = []
    for word in _WORD.findall(text):
        if RUN.match(word):
            shared += _shared_runs(word, runs)
        elif word.casefold() not in small and stem(word.casefold()) in stems:
            shared.append(word)
    return list(dict.fromkeys(shared))


def _shared_runs(word: str, runs: list[str]) -> Iterator[str]:
    """Yield the longest pieces of a run of characters that stand in one of the others, from left to right."""
    start = 0
    while start <= len(word) - MIN_RUN:
        end = start + MIN_RUN
        while end <= len(word) and any(word[start:end] in run for run in runs):
            end += 1
        if end - 1 - start >= MIN_RUN:
            yield word[start : end - 1]
        start = max(start + 1, end - 1)


def stem(word: str) -> str:
    """Return the beginning that forms of a word mostly share."""
    return word[:5] if len(word) > 5 else word.rstrip("s")
