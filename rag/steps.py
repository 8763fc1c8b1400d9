"""The steps of a search that can be left out, so that what each one contributes can be measured.

It does not know what the steps do; ``kinograph eval --ablation`` leaves each out in turn.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Steps:
    """Which steps of a search are taken; a running service takes all of them.

    >>> Steps(lexical=False).without("merging")
    Steps(dense=True, late_interaction=True, lexical=False, pictures=True, agreement=True, grounding=True, \
merging=False, cut_off=True)
    """

    dense: bool = True
    late_interaction: bool = True
    lexical: bool = True
    pictures: bool = True
    agreement: bool = True
    grounding: bool = True
    merging: bool = True
    cut_off: bool = True
