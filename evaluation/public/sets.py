"""The public sets by name: how each is loaded, and the figure it is known by.

It does not know how sets are run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import NotFound
from evaluation.public.choice_sets import load_egoschema, load_longvideobench, load_video_mme
from evaluation.public.folder import SetFolder
from evaluation.public.moment_sets import load_charades_sta, load_qvhighlights, load_tvr
from evaluation.public.open_sets import load_mlvu, load_mme_videoocr, load_videoeval_pro
from evaluation.public.records import PublicSet
from evaluation.public.timed_sets import load_ava_100, load_lvbench
from evaluation.public.video_sets import load_msrvtt, load_multivent

Load = Callable[[SetFolder, str | None], PublicSet]
"""``load(folder, split)``: ``split`` is a part of the annotation file's name, None for the usual one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A set that can be run."""

    title: str
    load: Load


SETS = {
    "multivent-2": Entry("MultiVENT 2.0", load_multivent),
    "msr-vtt": Entry("MSR-VTT 1k-A", load_msrvtt),
    "qvhighlights": Entry("QVHighlights", load_qvhighlights),
    "charades-sta": Entry("Charades-STA", load_charades_sta),
    "tvr": Entry("TVR", load_tvr),
    "video-mme": Entry("Video-MME", load_video_mme),
    "longvideobench": Entry("LongVideoBench", load_longvideobench),
    "lvbench": Entry("LVBench", load_lvbench),
    "mlvu": Entry("MLVU", load_mlvu),
    "egoschema": Entry("EgoSchema", load_egoschema),
    "videoeval-pro": Entry("VideoEval-Pro", load_videoeval_pro),
    "ava-100": Entry("AVA-100", load_ava_100),
    "mme-videoocr": Entry("MME-VideoOCR", load_mme_videoocr),
}


def find_set(name: str) -> Entry:
    """Return the set of that name, whatever its case and hyphens.

    >>> find_set("LVBench").title
    'LVBench'

    Raises:
        NotFound: there is none.
    """
    plain = {known.replace("-", ""): entry for known, entry in SETS.items()}
    entry = plain.get(name.casefold().replace("-", "").replace("_", "").replace(".", ""))
    if entry is None:
        raise NotFound(f"there is no public set {name!r}", remedy=f"Name one of {', '.join(SETS)}.")
    return entry
