"""Pooled tokens: fewer rows, never across pieces of evidence, and close to what they stand for."""

import numpy as np

from core.signals import TokenRange
from core.token_pooling import pool_tokens


def unit_rows(n_rows: int) -> np.ndarray:
    rows = np.random.default_rng(n_rows).normal(size=(n_rows, 24)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_each_piece_of_evidence_is_pooled_by_itself() -> None:
    tokens = unit_rows(11)
    ranges = (TokenRange("a", "speech", 0, 5), TokenRange("b", "screen", 5, 6), TokenRange("c", "screen", 6, 11))
    pooled = pool_tokens(tokens, ranges, 4)
    apart = [pool_tokens(tokens[item.start : item.end], (), 4) for item in ranges]
    np.testing.assert_allclose(pooled, np.concatenate(apart), atol=1e-6)
    assert len(pooled) == 2 + 1 + 2
    np.testing.assert_allclose(np.linalg.norm(pooled, axis=1), 1.0, atol=1e-6)


def test_tokens_of_no_evidence_are_kept_too() -> None:
    pooled = pool_tokens(unit_rows(7), (TokenRange("a", "speech", 0, 4),), 2)
    assert len(pooled) == 2 + 2


def test_nothing_to_pool_stays_as_it_is() -> None:
    one = unit_rows(1)
    assert pool_tokens(one, (), 4) is one
    many = unit_rows(5)
    assert pool_tokens(many, (), 1) is many


def test_equal_neighbours_lose_nothing() -> None:
    repeated = np.repeat(unit_rows(3), 4, axis=0)
    np.testing.assert_allclose(pool_tokens(repeated, (), 4), unit_rows(3), atol=1e-6)
