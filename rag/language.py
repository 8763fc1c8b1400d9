"""The language of a query, by its script and its small words; a query of three words often does not tell.

It does not know how well any encoder reads a language.
"""

from __future__ import annotations

import re
import unicodedata

SMALL_WORDS = {
    "en": "the a an of and is are was were in on at to with who what where when which how does did this that by for",
    "de": "der die das ein eine einen und ist sind war im am den dem des mit wer was wo wann wie nicht auf für von zu",
    "fr": "le la les un une des du et est sont dans sur au aux avec qui que quoi où quand comment de en pour ce cette",
    "es": "el la los las un una y es son en del al con quién qué dónde cuándo cómo de por para que se lo su",
    "it": "il lo la gli le un una e è sono nel nella del della con chi che cosa dove quando come di per su",
    "pt": "o a os as um uma e é são no na do da dos das com quem que onde quando como de por para em",
    "nl": "de het een en is zijn in op met wie wat waar wanneer hoe van te voor niet aan dat die",
}
"""Words of which almost every sentence of a language has one; several languages share some."""

ENGLISH_FUNCTION_WORDS = (
    "a about all also am an and any are as at be because been being both but by can could did do does doing done each "
    "for from had has have he her here hers him his how i if in into is it its just may me might mine more most must "
    "my no nor not of off on one or our ours out over own shall she should so some such than that the their theirs "
    "them then there these they this those to too up us very was we were what when where wherever which while who "
    "whom whose why will with would you your yours"
)
"""More English ones, which tell of no language ("me" and "on" are words elsewhere), and mean nothing of their own."""

_WORDS = {language: frozenset(words.split()) for language, words in SMALL_WORDS.items()}

_FUNCTION_WORDS = {language: words | frozenset(ENGLISH_FUNCTION_WORDS.split()) for language, words in _WORDS.items()}

_LANGUAGE_BY_SCRIPT = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CJK": "zh",
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "THAI": "th",
}
"""The commonest language of each script; the first that is met in this order decides, since Japanese mixes three."""


def guess_language(text: str) -> str | None:
    """Return the ISO 639-1 code of the language whose small words the text has most of; None if that is not just one.

    Other languages than English need two of them: "come", "die" and "no" are English words, too.

    >>> guess_language("the lamp of the tower"), guess_language("mélange de dépendance et de rejet")
    ('en', 'fr')
    >>> guess_language("被子固定器"), guess_language("Johannesburg") is None
    ('zh', True)
    """
    scripts = {unicodedata.name(character, "").split(" ")[0] for character in text if character.isalpha()}
    for script, language in _LANGUAGE_BY_SCRIPT.items():
        if script in scripts:
            return language
    words = re.findall(r"\w+", text.casefold())
    counts = {language: sum(word in known for word in words) for language, known in _WORDS.items()}
    most = max(counts.values())
    best = [language for language, count in counts.items() if count == most]
    return best[0] if len(best) == 1 and most >= (1 if best[0] == "en" else 2) else None


def function_words(language: str | None) -> frozenset[str]:
    """Return the words, case folded, that stand in any sentence of the language, or of English: to share one is chance.

    >>> {"the", "le"} <= function_words("fr"), "lamp" in function_words(None)
    (True, False)
    """
    return _FUNCTION_WORDS.get(language or "en", _FUNCTION_WORDS["en"])
