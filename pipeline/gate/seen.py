"""What was seen of an ability, or of all, when some items were asked oftener than others: a drop, its error, and how far it is from none."""

import math
from dataclasses import dataclass

from pipeline.distributions import z_of
from pipeline.gate import intervals, paired, sequential
from pipeline.gate.paired import Pairs
from pipeline.gate.strata import Estimate

SURE = 1e-15  # an exact p below it is eight standard deviations, which no bound asks for


@dataclass(frozen=True)
class Seen:
    """Strata with their weights. One stratum of weight 1 is a simple sample."""

    strata: tuple[tuple[float, Pairs], ...]

    @property
    def whole(self) -> Pairs:
        return Pairs.pool([p for _, p in self.strata])

    @property
    def simple(self) -> bool:
        return len(self.strata) == 1

    @property
    def estimate(self) -> Estimate:
        """Drop and error of the pool that the strata stand for; unbiased, because earlier candidates alone cut them.

        A stratum in which nothing flipped counts as if one item had: it has shown little, and would weigh as if it had shown all.
        """
        drop = math.fsum(w * p.drop for w, p in self.strata)
        least = 0.0 if self.simple else 1.0
        error = math.sqrt(math.fsum((w * max(sequential.error(p), least / p.n)) ** 2 for w, p in self.strata))
        return Estimate(drop, error, sum(p.lost + p.gained for _, p in self.strata))

    def fall(self) -> float:
        """z of `there is a drop`. A simple sample's is never further out than the exact test says: few flips are no normal variable."""
        if not self.simple:
            return self.estimate.z
        pairs = self.strata[0][1]
        found = sequential.fall(pairs)
        few = pairs.binary or pairs.lost + pairs.gained < intervals.WALD_FROM
        return min(found, z_of(max(paired.p_value(pairs), SURE))) if found > 0 and few else found

    def margin_z(self, margin: float) -> float:
        """z of `the drop is below the margin`. Strata leave only a normal bound, and that needs flips to rest on."""
        if self.simple:
            return sequential.margin_z(self.strata[0][1], margin)
        found = self.estimate
        return (margin - found.drop) / found.error if found.flips >= intervals.WALD_FROM else 0.0

    def interval(self, alpha: float) -> tuple[float, float]:
        if self.simple:
            return intervals.interval(self.strata[0][1], alpha)
        found = self.estimate
        mirrored = Estimate(-found.drop, found.error, found.flips)
        return max(-1.0, -mirrored.upper(alpha)), min(1.0, found.upper(alpha))
