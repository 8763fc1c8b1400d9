"""Cosines of different models on one scale: what is alike to one model at 0.9 is alike to another at 0.5.

Thresholds of relevance are set on the scale of all-MiniLM-L6-v2. It does not know models, nor what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.signals import FloatArray

MIN_SPREAD = 0.01
"""Least distance of levels that is believed: a model that cannot tell its own examples apart must not blow up noise."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Where cosines of texts lie on average that have nothing to do with each other, and of those that answer."""

    unrelated: float
    matching: float

    @classmethod
    def of(cls, cosines: FloatArray) -> Levels:
        """Return the levels of a matrix (n, n) whose diagonal holds the pairs that match.

        >>> Levels.of(np.array([[0.9, 0.1], [0.3, 0.7]], np.float32))
        Levels(unrelated=0.2, matching=0.8)
        """
        is_pair = np.eye(len(cosines), dtype=bool)
        return cls(round(float(cosines[~is_pair].mean()), 4), round(float(cosines[is_pair].mean()), 4))


@dataclass(frozen=True, slots=True)
class CosineScale:
    """A stretch and a shift of cosines; means and maxima over them (MaxSim) are stretched and shifted alike."""

    gain: float = 1.0
    shift: float = 0.0

    @classmethod
    def between(cls, own: Levels, common: Levels) -> CosineScale:
        """Return the scale that puts a model's levels where the common ones are.

        >>> CosineScale.between(Levels(0.75, 0.85), Levels(0.0, 0.5)).read(np.array([0.7, 0.8, 0.9])).round(2).tolist()
        [-0.25, 0.25, 0.75]
        """
        gain = (common.matching - common.unrelated) / max(own.matching - own.unrelated, MIN_SPREAD)
        return cls(gain, common.unrelated - gain * own.unrelated)

    def read(self, cosines: FloatArray) -> FloatArray:
        """Return cosines on the common scale, where some may leave [-1, 1]."""
        return cosines if self == AS_IT_IS else np.asarray(self.gain * cosines + self.shift, dtype=np.float32)


AS_IT_IS = CosineScale()
"""The scale of the model that thresholds were set with."""

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("Why was the bridge never finished?", "The money ran out in the second year, so the bridge was left half built."),
    ("how to keep bread from going stale", "Put the loaf in a cloth bag and it stays fresh for three or four days."),
    ("the rocket launch", "Three, two, one, lift-off! The engines burn and she clears the tower."),
    ("when does the museum open", "Opening hours: Tuesday to Sunday, ten to six, closed on Mondays."),
    ("a goal in the last minute", "In stoppage time he heads the ball into the net and the stadium erupts."),
    ("what vaccines do to the immune system", "The shot shows the body a harmless piece of the virus to remember."),
    ("falling house prices", "Homes in the capital now sell for four percent less than a year ago."),
    ("training a puppy to sit", "Hold the treat above the dog's nose, and as soon as he sits, praise him."),
    ("who painted the ceiling", "Michelangelo worked on the frescoes of the chapel for four years."),
    ("the train to Berlin is late", "The express to Berlin will depart about forty minutes later than scheduled."),
    ("sorting a list in Python", "Call sorted() with a key function and you get a new list back in order."),
    ("an earthquake at night", "We woke at two because the walls were shaking and glasses fell from the shelf."),
    ("her first day at school", "She held my hand as far as the classroom door and then ran to the other children."),
    ("storm warning for the coast", "Winds of up to ninety miles an hour are expected along the shore this evening."),
    ("the election result", "With all the votes counted, the opposition has won a narrow majority."),
    ("playing the violin in tune", "Listen to the open string and move your finger until both notes ring together."),
)
"""What is asked, and a passage that answers in other words: what a model thinks of these tells its levels."""
