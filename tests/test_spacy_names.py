"""Names in sentences, on signs in capitals and in languages that the model was not made for."""

from __future__ import annotations

import pytest

from adapters.spacy_names import SpacyNameRecogniser

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def recogniser() -> SpacyNameRecogniser:
    return SpacyNameRecogniser(threads=1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "Hello, I'm John Stevenson from the Smithsonian Institution in Washington, D.C.",
            {
                "John Stevenson": "person",
                "Smithsonian Institution": "organisation",
                "Washington": "place",
                "D.C.": "place",
            },
        ),
        (
            "Dr. Maria Gomez spoke about World War II on Monday at 12:30.",
            {"Maria Gomez": "person", "World War II": "event"},
        ),
        ("BREAKING NEWS: ANGELA MERKEL VISITS PARIS", {"ANGELA MERKEL": "person", "PARIS": "place"}),
        ("NASA ENGINEERS TEST JAMES WEBB TELESCOPE", {"NASA": "organisation", "JAMES WEBB": "person"}),
        ("A book about Vincent van Gogh", {"Vincent van Gogh": "person"}),
        ("METROPOLITAIN", {}),
        ("WELCOME TO THE OFFICE", {}),
        (
            "Il est allé à Paris avec Marie Dupont et Jean.",
            {"Paris": "place", "Marie Dupont": "person", "Jean": "person"},
        ),
        ("这个被子很舒服 北京", {}),
        ("12:30  $39.99  50%", {}),
        ("Order now at www.example.com", {}),
        ("we are in new york", {"new york": "place"}),
    ],
)
def test_names_and_only_names(recogniser: SpacyNameRecogniser, text: str, names: dict[str, str]) -> None:
    (found,) = recogniser.find_names([text])
    assert {name.text: name.kind for name in found} == names
    assert all(text[name.start : name.end] == name.text for name in found)


def test_names_in_a_foreign_sentence_lose_their_small_words(recogniser: SpacyNameRecogniser) -> None:
    (found,) = recogniser.find_names(["Die Frau des Hauses sagte zu Herrn Müller: der Zug kommt aus Berlin."])
    assert "Berlin" in {name.text for name in found}
    assert not any(name.kind == "organisation" for name in found)
