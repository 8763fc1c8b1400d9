"""Tells the story of the sample film: its scenes, what is said in them, and what one may ask about it.

An invented place, so that no reader of the evidence can know an answer beforehand. It does not know times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sample_pictures as pictures
from numpy import uint8
from numpy.typing import NDArray
from PIL import Image

TURN_S = 12.0
"""One turn of the painted lamp; the narration says the same number."""
NARRATOR, DIARY = "en-us", "en-us+f2"
"""espeak-ng voices; of five tried, these two gave whisper base the fewest wrong words (3 % and 5 %)."""


@dataclass(frozen=True)
class Sentence:
    """Something said; ``key`` is how the ground truth refers to it, ``bullet`` a line it makes appear."""

    key: str
    text: str
    voice: str = NARRATOR
    bullet: str = ""


@dataclass(frozen=True)
class Scene:
    """A shot: what is drawn (given when each sentence starts), what is said, and how the shot begins."""

    key: str
    paint: Callable[[Sequence[float]], pictures.Draw]
    sentences: tuple[Sentence, ...] = ()
    lead_s: float = 0.5
    tail_s: float = 0.6
    dissolve_s: float = 0.0


def still(draw: pictures.Draw) -> Callable[[Sequence[float]], pictures.Draw]:
    """Return a painter that does not care when sentences start."""
    return lambda _starts_s: draw


def write_story() -> list[Scene]:
    """Return the scenes in order. Photographs: CC0 or public domain, see SOURCES.md beside the video."""
    try:
        from skimage import data  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise SystemExit("the photographs come with scikit-image: pip install scikit-image") from error

    def photo(array: NDArray[uint8]) -> Image.Image:
        return Image.fromarray(array)

    coffee, cat = photo(data.coffee()), photo(data.chelsea())
    numbers = ["Lamp first lit: 1911", "Tower height: 38 metres", "Stairs to the lamp: 164"]
    dark = ["Lamp switched off: 1987", "New work: astronomy"]
    return [
        Scene(
            "title",
            still(pictures.draw_title("The Light at Heron Point", "A short history of a lighthouse")),
            (Sentence("intro", "This is the story of the light at Heron Point."),),
            lead_s=1.2,
            tail_s=0.8,
        ),
        Scene(
            "dusk",
            still(pictures.draw_dusk(TURN_S)),
            (
                Sentence("rocks", "On a windy coast, a stone tower warns ships away from the rocks."),
                Sentence("turns", "Its white beam turns once every twelve seconds."),
            ),
        ),
        Scene(
            "numbers",
            lambda starts_s: pictures.draw_slide("Heron Point in numbers", numbers, starts_s, "Heron Point Lighthouse"),
            (
                Sentence("began", "Three numbers tell you how it began.", bullet=numbers[0]),
                Sentence("tall", "The tower is as tall as a house with ten floors.", bullet=numbers[1]),
                Sentence("climb", "And every evening at sunset, the keeper climbed all the stairs.", bullet=numbers[2]),
            ),
            lead_s=0.8,
            tail_s=1.0,
        ),
        Scene(
            "arrival",
            still(pictures.draw_arrival()),
            (
                Sentence("keeper", "The first woman to keep the light was Anna Carter."),
                Sentence("arrived", "She arrived by boat, nine years after the lamp was first lit."),
            ),
        ),
        Scene(
            "coffee",
            still(pictures.move_camera(coffee, (0.5, 0.5, 1.0), (0.45, 0.45, 0.72), "Night watch, two in the morning")),
            (Sentence("awake", "She drank strong coffee to stay awake until dawn."),),
        ),
        Scene(
            "cat",
            still(pictures.move_camera(cat, (0.5, 0.42, 0.8), (0.5, 0.45, 1.0), "Pepper, the lighthouse cat")),
            (Sentence("mice", "From her diary: my cat Pepper caught eleven mice this week.", voice=DIARY),),
            tail_s=1.4,
        ),
        Scene("moonlight", still(pictures.draw_moonlight()), lead_s=9.0, dissolve_s=1.0),
        Scene(
            "storm",
            lambda starts_s: pictures.draw_storm([0.3, starts_s[1] - 0.4, starts_s[2] + 1.5]),
            (
                Sentence("storm", "Then came the great storm."),
                Sentence("wiring", "The lamp went out, because salt water had soaked the wiring."),
                Sentence("bell", "So Anna rang the fog bell by hand all night, and six sailors came home."),
            ),
            lead_s=0.9,
        ),
        Scene(
            "dark",
            lambda starts_s: pictures.draw_slide("The tower goes dark", dark, starts_s, "Heron Point Lighthouse"),
            (
                Sentence(
                    "off", "In the end, ships no longer needed the lamp, and it was switched off.", NARRATOR, dark[0]
                ),
                Sentence("dome", "Seven years later, astronomers put a telescope under the old dome.", bullet=dark[1]),
            ),
            lead_s=0.8,
            tail_s=0.8,
        ),
        Scene(
            "galaxies",
            still(pictures.move_camera(photo(data.hubble_deep_field()), (0.5, 0.5, 0.95), (0.4, 0.55, 0.6))),
            (Sentence("older", "Today, visitors come to look at distant galaxies."),),
        ),
        Scene(
            "rocket",
            still(pictures.move_camera(photo(data.rocket()), (0.5, 0.75, 0.8), (0.5, 0.35, 0.9))),
            (Sentence("launch", "And across the bay, a rocket waits for its launch."),),
        ),
        Scene(
            "end",
            still(
                pictures.draw_end(
                    "Open every Sunday",
                    "Free entry. Bring a warm coat.",
                    ["Photographs: Rachel Michetti, Stefan van der Walt, NASA, SpaceX", "Voices: espeak-ng"],
                )
            ),
            (Sentence("visit", "So come and climb the tower yourself."),),
            tail_s=2.6,
        ),
    ]


MOMENTS = (
    ("a lighthouse at dusk with its beam shining over the sea", "scene:dusk", "visual", "natural"),
    ("a small sailing boat with a red sail near a pier", "scene:arrival", "visual", "natural"),
    ("a cup of coffee on a wooden table", "scene:coffee", "visual", "natural"),
    ("close-up of a tabby cat", "scene:cat", "visual", "natural"),
    ("full moon and northern lights over the sea", "scene:moonlight", "visual", "natural"),
    ("lightning over high waves", "scene:storm", "visual", "natural"),
    ("many galaxies in deep space", "scene:galaxies", "visual", "natural"),
    ("a rocket on its launch pad", "scene:rocket", "visual", "natural"),
    ("The Light at Heron Point", "scene:title", "ocr", "keyword"),
    ("Lamp first lit: 1911", "show:began", "ocr", "keyword"),
    ("slide that says how many steps lead up to the light", "show:climb", "ocr", "paraphrase"),
    ("Pepper, the lighthouse cat", "scene:cat", "ocr", "keyword"),
    ("year in which the light stopped shining", "show:off", "ocr", "paraphrase"),
    ("Open every Sunday", "scene:end", "ocr", "keyword"),
    ("beam turns once every twelve seconds", "say:turns", "speech", "keyword"),
    ("someone says who was the first female lighthouse keeper", "say:keeper", "speech", "paraphrase"),
    ("rodents hunted by a pet", "say:mice", "speech", "paraphrase"),
    ("salt water had soaked the wiring", "say:wiring", "speech", "keyword"),
    ("fishermen are saved because somebody made noise all night", "say:bell", "speech", "paraphrase"),
    ("scientists install an instrument for looking at the stars", "say:dome", "speech", "paraphrase"),
)
QUESTIONS = (
    ("In which year did Anna Carter arrive at Heron Point?", "1920", ("show:began", "say:arrived"), "when"),
    ("In which year did the telescope come into the tower?", "1994", ("show:off", "say:dome"), "when"),
    ("For how many years did the lamp of Heron Point shine?", "76", ("show:began", "show:off"), "count"),
    ("What was the name of the lighthouse cat?", "Pepper", ("say:mice",), "what"),
    ("Why did the lamp go out in the storm?", "salt water had soaked the wiring", ("say:wiring",), "why"),
    ("How many sailors came home?", "six", ("say:bell",), "count"),
    (
        "How did Anna Carter warn the sailors when the lamp was out?",
        "she rang the fog bell by hand",
        ("say:bell",),
        "what",
    ),
    ("On which day can one visit the tower?", "Sunday", ("scene:end",), "text"),
    ("Which comes first, the coffee or the cat?", "the coffee", ("scene:coffee", "scene:cat"), "order"),
)
NEGATIVES = (
    "a penalty kick in a football match",
    "how income tax is calculated",
    "repairing a bicycle",
    "the text PLATFORM NINE",
)
DEMO = {"search": "how the sailors were saved in the storm", "ask": "Why did the lamp go out in the storm?"}
"""What a first run shows: one search and one question."""
