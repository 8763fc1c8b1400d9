"""Joins several corpora to one library, so that what one asks must be found among the videos of all.

It does not know how a corpus is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from core.errors import BadInput
from evaluation.corpus import Corpus, MomentQuery, QuestionCase


def join_corpora(corpora: Sequence[Corpus]) -> Corpus:
    """Return one corpus with everything that the given ones ask, in their order.

    A query that stands in several is asked once, and any of its places counts; a question that stands in several is
    asked of its own video, as of the library it would have several answers.

    Raises:
        BadInput: two clips share a name, so that results could not be told apart.
    """
    [*clips] = (clip for corpus in corpora for clip in corpus.clips)
    doubled = [name for name, times in Counter(clip.name for clip in clips).items() if times > 1]
    if doubled:
        raise BadInput(f"two folders hold a clip {doubled[0]}", remedy="Rename one, in its ground truth, too.")
    return Corpus(
        half=" + ".join(corpus.half for corpus in corpora),
        clips=tuple(clips),
        queries=_join_queries([query for corpus in corpora for query in corpus.queries]),
        questions=_join_questions([case for corpus in corpora for case in corpus.questions]),
        negatives=tuple(dict.fromkeys(text for corpus in corpora for text in corpus.negatives)),
    )


def _join_queries(queries: Sequence[MomentQuery]) -> tuple[MomentQuery, ...]:
    by_text: dict[str, MomentQuery] = {}
    for query in queries:
        first = by_text.get(query.query)
        by_text[query.query] = replace(first, elsewhere=(*first.elsewhere, *query.places)) if first else query
    return tuple(by_text.values())


def _join_questions(questions: Sequence[QuestionCase]) -> tuple[QuestionCase, ...]:
    times = Counter(case.question for case in questions)
    return tuple(
        replace(case, asked_of=case.evidence[0].clip)
        if times[case.question] > 1 and len({place.clip for place in case.evidence}) == 1
        else case
        for case in questions
    )
