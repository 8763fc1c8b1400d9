"""Entities: names in evidence, resolved to who or what they mean within a video and across the library.

A name joins an entity when it is the same name, a part of a full name, an acronym of it, or a slight misspelling (as
recognisers make) — and only when one entity fits, so that wrong merges do not chain. It does not know where names and
entities are stored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from core.ids import derived_id
from core.records import Entity, Evidence, Mention
from core.signals import NamedSpan

MIN_RATIO = 90.0
"""Similarity of two spellings of one name: "Kowalski" and "Kovalski" score 87.5 (kept apart), "Heidelberg" and
"Heidelburg" 90; a lower bar merges different people."""

MIN_FUZZY_CHARS = 8
"""Shorter names differ by one letter and mean another thing (Iran, Iraq)."""

_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "professor", "sir", "madam", "president", "captain", "the"})


@dataclass(slots=True)
class _Draft:
    """An entity being put together."""

    id: str
    kind: str
    name: str
    aliases: set[str]


class Resolver:
    """Assigns names to entities, beginning with those the library already knows."""

    def __init__(self, tenant: str, known: Sequence[Entity]) -> None:
        self._tenant = tenant
        self._drafts: dict[str, _Draft] = {}
        self._by_key: dict[tuple[str, str], str] = {}
        for entity in known:
            draft = _Draft(entity.id, entity.kind, entity.name, set(entity.aliases))
            self._keep(draft, [entity.name, *entity.aliases])

    def resolve(self, name: str, kind: str) -> str | None:
        """Return the id of the entity that a name means, made anew if none fits; None for a name without letters."""
        key = normalise_name(name)
        if not key:
            return None
        entity_id = self._by_key.get((kind, key)) or self._find_alike(key, name, kind)
        if entity_id is None:
            draft = _Draft(derived_id(self._tenant, kind, key), kind, name, set())
            self._keep(draft, [name])
            return draft.id
        draft = self._drafts[entity_id]
        if name != draft.name:
            draft.aliases.add(name)
        self._by_key.setdefault((kind, key), entity_id)
        return entity_id

    def entities(self, used: Iterable[str]) -> list[Entity]:
        """Return the entities with the given ids."""
        return [
            Entity(id=d.id, tenant=self._tenant, kind=d.kind, name=d.name, aliases=tuple(sorted(d.aliases)))
            for d in (self._drafts[entity_id] for entity_id in dict.fromkeys(used))
        ]

    def _keep(self, draft: _Draft, names: Iterable[str]) -> None:
        self._drafts[draft.id] = draft
        for name in names:
            key = normalise_name(name)
            if key:
                self._by_key.setdefault((draft.kind, key), draft.id)

    def _find_alike(self, key: str, name: str, kind: str) -> str | None:
        """Return the one entity whose name the key shortens, abbreviates or misspells; None if not just one."""
        found = {
            draft.id
            for draft in self._drafts.values()
            if draft.kind == kind and means_the_same(key, normalise_name(draft.name), name, draft.name, kind)
        }
        return found.pop() if len(found) == 1 else None


def normalise_name(name: str) -> str:
    """Return a name folded for comparison: no case, accents, punctuation, possessive, titles.

    >>> normalise_name("Dr. Renée O'Hara's")
    'renee ohara'
    """
    folded = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    folded = re.sub(r"['’]s\b", "", folded)
    words = re.sub(r"[^\w\s]", "", folded.replace("-", " ")).split()
    return " ".join(word for word in words if word not in _TITLES)


def means_the_same(key: str, other: str, name: str, other_name: str, kind: str) -> bool:
    """Whether two different normalised names may mean one entity.

    >>> means_the_same("ada", "ada lovelace", "Ada", "Ada Lovelace", "person")
    True
    >>> means_the_same("nasa", "national aeronautics space administration", "NASA", "", "organisation")
    True
    >>> means_the_same("iran", "iraq", "Iran", "Iraq", "place")
    False
    >>> means_the_same("456 kilograms", "461 kilograms", "", "", "quantity")
    False
    """
    if not key or not other or re.findall(r"\d+", key) != re.findall(r"\d+", other):
        return False
    words, other_words = key.split(), other.split()
    if kind == "person" and len(words) != len(other_words):
        shorter, longer = sorted((words, other_words), key=len)
        return len(shorter) == 1 and len(shorter[0]) > 2 and shorter[0] in (longer[0], longer[-1])
    if kind != "person" and len(words) == 1 and len(key) > 1 and len(other_words) > 1:
        return name.isupper() and key == "".join(word[0] for word in other_words)
    if kind != "person" and len(other_words) == 1 and len(words) > 1:
        return other_name.isupper() and other == "".join(word[0] for word in words)
    is_long_enough = min(len(key), len(other)) >= MIN_FUZZY_CHARS
    return is_long_enough and len(words) == len(other_words) and fuzz.ratio(key, other) >= MIN_RATIO


def find_mentions(
    resolver: Resolver,
    evidence: Sequence[Evidence],
    names: Sequence[Sequence[NamedSpan]],
    event_by_evidence: Mapping[str, str],
) -> list[Mention]:
    """Return a mention a name and evidence; full names are resolved first, so that short forms find them."""
    found = [(item, name) for item, held in zip(evidence, names, strict=True) for name in held]
    mentions: dict[tuple[str, str], Mention] = {}
    for item, name in sorted(found, key=lambda pair: -len(pair[1].text.split())):
        entity_id = resolver.resolve(name.text, name.kind)
        if entity_id is None:
            continue
        mentions.setdefault(
            (entity_id, item.id),
            Mention(
                entity_id=entity_id,
                video_id=item.video_id,
                evidence_id=item.id,
                event_id=event_by_evidence.get(item.id),
                span=item.span,
                surface=name.text,
            ),
        )
    return sorted(mentions.values(), key=lambda mention: (mention.span, mention.entity_id))
