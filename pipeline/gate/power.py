"""How many items show how small a drop: the sums behind margins, and the smallest loss that a suite could have seen."""

import math

from pipeline.distributions import z_of

POWER_Z = z_of(0.20)  # "could have seen" means with a chance of .80


def items_to_detect(drop: float, psi: float, alpha: float = 0.05, power: float = 0.80) -> int:
    """Items that prove a true drop with this power, when the share psi of them flips."""
    root = (z_of(alpha) * math.sqrt(psi) + z_of(1 - power) * math.sqrt(psi - drop * drop)) / drop
    return math.ceil(root * root)


def items_to_certify(margin: float, psi: float, alpha: float = 0.05, power: float = 0.80) -> int:
    """Items that show an unchanged model's drop to be below the margin, with this power."""
    return math.ceil((z_of(alpha) + z_of(1 - power)) ** 2 * psi / margin**2)


def items_at_least(margin: float, alpha: float = 0.05) -> int:
    """With fewer items than this the margin is never certified, even if not one answer changes."""
    return math.floor(z_of(alpha) ** 2 * (1 - margin) / margin) + 1


def smallest_detectable_drop(n: int, psi: float, alpha: float = 0.05) -> float:
    """The true drop that n items would prove with a chance of .80; 1.0 where not even losing everything would.

    The root d of d sqrt(n) = z_alpha sqrt(psi) + z_.80 sqrt(psi - d^2), with psi not below one flip.
    """
    if n < 1:
        return 1.0
    psi = max(psi, 1 / n)
    a = z_of(alpha) * math.sqrt(psi)
    if n < z_of(alpha) ** 2:
        return 1.0
    square = n + POWER_Z**2
    return min(1.0, (a * math.sqrt(n) + POWER_Z * math.sqrt(max(psi * square - a * a, 0.0))) / square)
