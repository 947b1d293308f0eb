"""Do lost items show more of something than kept ones? A permutation test over items, and the interval that it gives.

Under "lost or kept makes no difference" the labels could have fallen on any of the items. The interval holds the differences that such a
shuffle does not contradict; where it covers 0 nothing is said.
"""

from dataclasses import dataclass
from typing import Any

Array = Any
LEAST = 5  # items on either side: with fewer, hardly any arrangement is rare
DRAWS = 4000  # the error of a p of .05 is .0034
SEED = 17
ALPHA = 0.05


@dataclass(frozen=True)
class Contrast:
    """The mean over lost items beside that over kept ones."""

    lost: float
    kept: float
    interval: tuple[float, float]
    p: float
    """One-sided: how often a shuffle makes the difference as large."""

    @property
    def difference(self) -> float:
        return self.lost - self.kept

    @property
    def shown(self) -> bool:
        """Whether lost items have more, beyond what chance does."""
        return self.interval[0] > 0


def contrasts(lost: Array, kept: Array, alpha: float = ALPHA) -> list[Contrast] | None:
    """One contrast a column; rows are items. None where items are too few for any.

    alpha: how often an end of an interval may be missed by chance, as in the verdict's own intervals; several columns share it equally.
    """
    import numpy as np

    a, b = np.asarray(lost, float), np.asarray(kept, float)
    if len(a) < LEAST or len(b) < LEAST:
        return None
    values, n = np.concatenate([a, b]), len(a)
    seen = a.mean(0) - b.mean(0)
    rng = np.random.default_rng(SEED)
    order = rng.random((DRAWS, len(values))).argsort(1)
    first = np.zeros((DRAWS, len(values)))
    np.put_along_axis(first, order[:, :n], 1.0, axis=1)
    sums = first @ values
    null = sums / n - (values.sum(0) - sums) / len(b)
    tails = np.quantile(null, [alpha / values.shape[1], 1 - alpha / values.shape[1]], axis=0)
    slack = 1e-9 * (1 + np.abs(seen))  # sums in another order differ in the last bits, and ties must count
    p = (1 + (null >= seen - slack).sum(0)) / (1 + DRAWS)
    low, high = seen - tails[1] - slack, seen - tails[0] + slack
    means = zip(a.mean(0).tolist(), b.mean(0).tolist(), low.tolist(), high.tolist(), p.tolist(), strict=True)
    return [Contrast(more, less, (least, most), chance) for more, less, least, most, chance in means]
