"""Many abilities are many chances of a false alarm: p values that pay for it."""

from collections.abc import Mapping

ALPHA = 0.05  # how often one question may raise a false alarm


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p (1979): at or below alpha means proved, and any false proof among all has probability alpha at most."""
    order = sorted(p_values, key=lambda name: p_values[name])
    adjusted, running = {}, 0.0
    for i, name in enumerate(order):
        running = max(running, min(1.0, (len(order) - i) * p_values[name]))
        adjusted[name] = running
    return {name: adjusted[name] for name in p_values}


def benjamini_hochberg(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p for the false discovery rate (1995): who is worth a look, never a verdict."""
    order = sorted(p_values, key=lambda name: p_values[name], reverse=True)
    adjusted, running = {}, 1.0
    for i, name in enumerate(order):
        running = min(running, len(order) / (len(order) - i) * p_values[name])
        adjusted[name] = running
    return {name: adjusted[name] for name in p_values}
