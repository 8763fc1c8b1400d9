"""Names of people, places and organisations in English texts, by spaCy's small model from its pip package.

It does not know whether two names mean the same; ``graph/entities.py`` does.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from adapters.torch_runtime import load_torch
from adapters.weights import model_files
from core.signals import NamedSpan

MODEL = "en_core_web_sm"
KIND_BY_LABEL = {
    "PERSON": "person",
    "ORG": "organisation",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "WORK_OF_ART": "work",
    "PRODUCT": "product",
    "EVENT": "event",
}
"""Labels that become entities; dates, amounts, nationalities, languages and laws are no nodes worth walking to."""
KINDS_WITHOUT_ENGLISH = frozenset({"person", "place"})
"""Of texts in other languages the English model is believed only where a capitalised person or place stands out."""

MAX_NAME_WORDS = 6
"""A longer "name" is a sentence that the model took for a title."""
MIN_CAPITAL_SHARE = 0.8
"""Share of capitals among letters from which a text counts as written in capitals, as signs and titles are."""
ACRONYM = re.compile(r"[A-Z][A-Z0-9&]{1,5}")
BATCH_SIZE = 64

_ENGLISH = frozenset(
    {"the", "and", "of", "to", "is", "that", "it", "with", "this", "for", "you", "are", "we", "by", "at"}
)
_FOREIGN = frozenset(
    {"der", "die", "das", "und", "ist", "nicht", "ein", "eine", "den", "dem", "mit", "von", "sie", "ich", "zu"}
    | {"le", "la", "les", "des", "du", "de", "et", "est", "une", "un", "que", "qui", "pas", "il", "elle", "je", "dans"}
    | {"el", "los", "las", "y", "en", "por", "con", "del", "es", "che", "di", "e", "per", "non", "da", "em", "os"}
)
"""The commonest words of English, and of German, French, Spanish, Italian and Portuguese: enough to tell a sentence."""
_PARTICLES = _FOREIGN | _ENGLISH | {"van", "al", "bin", "ibn"}
"""Words in lower case that stand inside names."""
_NAME_PARTICLES = frozenset({"de", "da", "di", "du", "del", "der", "la", "le", "van", "von", "al", "bin", "ibn", "el"})
_LEADING = re.compile(r"(?:(?:the|a|an)\s+|[\W_]+)", re.IGNORECASE)
_TRAILING = re.compile(r"(?:['’]s|['’]|[\W_]+)$", re.IGNORECASE)
_INITIALS = re.compile(r"\b[^\W\d_]\.[^\W\d_]\.$")
_WORD = re.compile(r"[^\W\d_]+")


class SpacyNameRecogniser:
    """spaCy's en_core_web_sm; it loads at first use, under a lock.

    Texts in capitals are read once more in title case: of "ANGELA MERKEL VISITS PARIS" the model finds nothing as it
    stands and both names in title case. Organisations are then kept only as acronyms, since a sign's every
    other word passes for one.
    """

    name = f"spacy-{MODEL}-3.8.0"

    def __init__(self, *, threads: int = 0) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._model: Any = None

    def find_names(self, texts: Sequence[str]) -> list[list[NamedSpan]]:
        """Return the names of each text, in the order they stand; ``text[start:end]`` is the name."""
        shouted = [index for index, text in enumerate(texts) if is_shouted(text)]
        found = self._recognise([*texts, *(_title_case(texts[index]) for index in shouted)])
        raw, titled = found[: len(texts)], dict(zip(shouted, found[len(texts) :], strict=True))
        return [
            _clean(text, _merge_shouted(raw[index], titled[index]) if index in titled else raw[index])
            for index, text in enumerate(texts)
        ]

    def _recognise(self, texts: Sequence[str]) -> list[list[NamedSpan]]:
        """Return what the model finds, labels turned into kinds, nothing cleaned."""
        with self._lock:  # spaCy's string store grows while it reads
            if self._model is None:
                self._model = self._load()
            documents = list(self._model.pipe(texts, batch_size=BATCH_SIZE))
        return [
            [
                NamedSpan(entity.text, KIND_BY_LABEL[entity.label_], entity.start_char, entity.end_char)
                for entity in document.ents
                if entity.label_ in KIND_BY_LABEL
            ]
            for document in documents
        ]

    def _load(self) -> Any:
        load_torch(self._threads)  # spaCy imports torch where it is installed
        folders = {file.locate().parent for file in model_files(MODEL)}
        import spacy

        return spacy.load(
            min(folders, key=lambda folder: len(folder.parts)),
            exclude=["tagger", "parser", "attribute_ruler", "lemmatizer", "senter"],
        )


def is_shouted(text: str) -> bool:
    """Whether a text of several letters is written in capitals.

    >>> is_shouted("RUE DE LONDRES"), is_shouted("NASA said so"), is_shouted("12:30")
    (True, False, False)
    """
    letters = [letter for letter in text if letter.isupper() or letter.islower()]
    return len(letters) > 3 and sum(letter.isupper() for letter in letters) >= MIN_CAPITAL_SHARE * len(letters)


def is_english(text: str) -> bool:
    """Whether a text may be English: no other language's commonest words outnumber those of English.

    >>> is_english("It is the house of Jean de la Rue"), is_english("Die Frau sagte guten Morgen"), is_english("Acme")
    (True, False, True)
    """
    words = [word.lower() for word in _WORD.findall(text)]
    return sum(word in _FOREIGN for word in words) <= sum(word in _ENGLISH for word in words)


def _title_case(text: str) -> str:
    """Return the text with every word capitalised, as long as the text itself (some letters change length).

    >>> _title_case("WORLD WAR II, O'BRIEN")
    "World War Ii, O'Brien"
    """
    titled = _WORD.sub(lambda word: word.group()[0] + word.group()[1:].lower(), text)
    return titled if len(titled) == len(text) else text


def _merge_shouted(raw: Sequence[NamedSpan], titled: Sequence[NamedSpan]) -> list[NamedSpan]:
    acronyms = [name for name in raw if name.kind == "organisation" and ACRONYM.fullmatch(name.text)]
    others = [name for name in titled if name.kind != "organisation"]
    free = [name for name in acronyms if all(name.end <= other.start or other.end <= name.start for other in others)]
    return sorted((*others, *free), key=lambda name: name.start)


def _clean(text: str, names: Iterable[NamedSpan]) -> list[NamedSpan]:
    """Return the names trimmed, without those that are none."""
    english = is_english(text)
    cleaned = []
    for name in names:
        start, end = trim(text, name.start, name.end, drop_particles=not english)
        surface = text[start:end]
        if not is_name(surface) or not (english or name.kind in KINDS_WITHOUT_ENGLISH):
            continue
        cleaned.append(NamedSpan(surface, name.kind, start, end))
    return cleaned


def trim(text: str, start: int, end: int, *, drop_particles: bool = False) -> tuple[int, int]:
    """Return ``[start, end)`` without leading articles, surrounding punctuation and a possessive.

    Leading words in lower case go too ("about World War II", German "aus Berlin") if anything follows; particles of
    names ("van Gogh") stay unless ``drop_particles``.

    >>> text = "'The Beatles's'"
    >>> start, end = trim(text, 0, len(text))
    >>> text[start:end]
    'Beatles'
    >>> trim("the U.S.", 0, 8)
    (4, 8)
    """
    while (leading := _LEADING.match(text, start, end)) and leading.end() > start:
        start = leading.end()
    while start < end and (trailing := _TRAILING.search(text[start:end])):
        if _INITIALS.search(text[start:end]):
            break
        end = start + trailing.start()
    if any(letter.isupper() for letter in text[start:end]):
        while (word := _WORD.match(text, start, end)) and word.group().islower() and word.end() < end:
            if word.group() in _NAME_PARTICLES and not drop_particles:
                break
            start = word.end() + 1
    return start, end


def is_name(surface: str) -> bool:
    """Whether a trimmed text can be a name: two Latin letters or more, few words, no address, no bare lower case.

    Lower-cased speech ("new york") passes when every word of it is: a text without any capital shows no case at all.

    >>> [is_name(name) for name in ("Jane Doe", "new york", "12:30", "X", "北京", "www.example.com", "Frau des Hauses")]
    [True, True, False, False, False, False, True]
    """
    words = _WORD.findall(surface)
    n_latin = sum(letter.isalpha() and letter < "ɐ" for letter in surface)
    if n_latin < 2 or len(words) > MAX_NAME_WORDS or re.search(r"www\.|https?:|@|\.com\b", surface):
        return False
    in_case = [word for word in words if word.lower() not in _PARTICLES]
    n_capitalised = sum(word[0].isupper() for word in in_case)
    return bool(in_case) and (n_capitalised == 0 or 2 * n_capitalised >= len(in_case))
