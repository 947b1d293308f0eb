"""Why repair judges on items that did not choose: `python -m evals.repair_worlds [--worlds 20000]`.

Eight tries at one ability, each truly losing exactly the margin, so that every promotion is an error that the gate allows once in twenty. Chosen
and judged on the same items, the luckiest try passes far oftener; chosen on the dev half and judged on the held half it does not.
"""

import argparse

import numpy as np
from scipy import stats

from evals.gate_worlds import small

N, PSI, TRIES = 1500, 0.1, 8


def flips(rng: np.random.Generator, n: int, drop: float, alike: float, worlds: int) -> tuple[np.ndarray, np.ndarray]:
    """(lost, gained) of every try in every world; a share `alike` of the items flips the same way in all tries, as models of one lesson do."""
    chances = [(PSI + drop) / 2, (PSI - drop) / 2, 1 - PSI]
    shared = rng.multinomial(round(alike * n), chances, size=(worlds, 1))
    own = rng.multinomial(n - round(alike * n), chances, size=(worlds, TRIES))
    both = shared + own
    return both[..., 0], both[..., 1]


def rates(rng: np.random.Generator, drop: float, margin: float, alike: float, worlds: int, alpha: float) -> dict[str, float]:
    """How often the chosen try is promoted: judged on the items that chose it, and on the half that did not; and how much too good it looks."""
    dev, held = (flips(rng, N // 2, drop, alike, worlds) for _ in range(2))
    lost, gained = dev[0] + held[0], dev[1] + held[1]
    row = np.arange(worlds)
    same, apart = (lost - gained).argmin(1), (dev[0] - dev[1]).argmin(1)
    found = {
        "same": small(lost[row, same], gained[row, same], N, margin, alpha),
        "apart": small(held[0][row, apart], held[1][row, apart], N // 2, margin, alpha),
        "alone": small(lost[:, 0], gained[:, 0], N, margin, alpha),
    }
    flattery = drop - float(((lost - gained)[row, same] / N).mean())
    return {name: float(share.mean()) for name, share in found.items()} | {"flattery": 100 * flattery}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20_000)
    worlds = parser.parse_args().worlds
    print(
        f"{TRIES} tries, {N} items of which half choose, psi {PSI:g}, margin 5 points, {worlds} worlds, attempt 1 (alpha .05) and 2 (.00833)\n"
    )
    print(
        "| true drop | items alike | alpha | chosen and judged on all | chosen on dev, judged on held | one try, no choice | looks too good by |"
    )
    print("|---|---|---|---|---|---|---|")
    for drop in (0.05, 0.0):
        for alike in (0.0, 0.8):
            for alpha in (0.05, 0.05 / 6):
                got = rates(np.random.default_rng(17), drop, 0.05, alike, worlds, alpha)
                error = stats.norm.isf(0.025) * (0.25 / worlds) ** 0.5
                figures = f"{got['same']:.3f} | {got['apart']:.3f} | {got['alone']:.3f} | {got['flattery']:.2f} pt"
                print(f"| {100 * drop:g} pt | {alike:.0%} | {alpha:.4f} | {figures} |")
    print(f"\nshares are known to ±{error:.3f}")


if __name__ == "__main__":
    main()
