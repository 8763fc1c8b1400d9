"""Token matrices made smaller by pooling: neighbouring tokens of one piece of evidence share a vector.

After Clavié, Chaffin and Adams, 2024 ("Reducing the footprint of multi-vector retrieval with minimal performance impact
via token pooling"), with neighbours instead of clusters: on the development corpus both lose as little, and neighbours
cost a tenth of the time (``python -m benchmarks.compression``). It does not know what pooled tokens are used for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.signals import FloatArray, TokenRange


def pool_tokens(tokens: FloatArray, ranges: Sequence[TokenRange], factor: int) -> FloatArray:
    """Return L2-normalised means of each ``factor`` neighbours of tokens (t, d), never across pieces of evidence.

    Tokens outside all ranges count as one more piece at the end.

    >>> import numpy as np
    >>> said, shown = TokenRange("said", "speech", 0, 3), TokenRange("shown", "screen", 3, 4)
    >>> pool_tokens(np.eye(4, dtype=np.float32), [said, shown], 2).round(2)
    array([[0.71, 0.71, 0.  , 0.  ],
           [0.  , 0.  , 1.  , 0.  ],
           [0.  , 0.  , 0.  , 1.  ]], dtype=float32)
    """
    if factor < 2 or len(tokens) < 2:
        return tokens
    starts = {start for item in ranges for start in range(item.start, item.end, factor)}
    end = max((item.end for item in ranges), default=0)
    starts.update(range(end, len(tokens), factor))
    first = np.array(sorted(starts | {0}))
    last = np.array([*first[1:], len(tokens)]) - 1
    pooled = tokens[first]
    for step in range(1, factor):
        pooled += tokens[np.minimum(first + step, last)] * (first + step <= last)[:, None]
    norms = np.sqrt(np.einsum("ij,ij->i", pooled, pooled))[:, None]
    return np.asarray(pooled / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)
