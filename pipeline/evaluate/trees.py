"""Lay many continuations of one context out as a tree, so that the model reads the context once instead of once a choice.

A row holds the context, then the tokens of each continuation but its last one (nothing follows it). Continuations see the
context and themselves, never each other, and each starts at the position right after the context.
"""

from dataclasses import dataclass

PAD = -1
CONTEXT = 0


@dataclass(frozen=True)
class Tree:
    """One context and its different continuations, in token ids."""

    context: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]

    @property
    def tail(self) -> int:
        """Positions whose predictions are needed: the context's last token and every continuation token that is read."""
        return 1 + sum(len(c) - 1 for c in self.continuations)

    @property
    def length(self) -> int:
        return len(self.context) - 1 + self.tail


@dataclass(frozen=True)
class Row:
    """A tree as the model reads it, padded on the left so that the tails of all rows end together."""

    tokens: list[int]
    positions: list[int]
    segments: list[int]
    """PAD, CONTEXT, or 1 + the number of the continuation: what a token may look at follows from this."""


def grow(pairs: list[tuple[list[int], list[int]]]) -> tuple[list[Tree], list[tuple[int, int]]]:
    """The trees of (context, continuation) pairs, and for each pair the (tree, continuation) that answers it."""
    contexts: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    for context, continuation in pairs:
        leaves = contexts.setdefault(tuple(context), {})
        leaves.setdefault(tuple(continuation), len(leaves))
    number = {context: n for n, context in enumerate(contexts)}
    trees = [Tree(context, tuple(leaves)) for context, leaves in contexts.items()]
    return trees, [(number[tuple(a)], contexts[tuple(a)][tuple(b)]) for a, b in pairs]


def row(tree: Tree, length: int, filler: int) -> Row:
    """Lay one tree out in `length` places."""
    tokens, positions = list(tree.context), list(range(len(tree.context)))
    segments = [CONTEXT] * len(tree.context)
    for n, continuation in enumerate(tree.continuations, 1):
        read = continuation[:-1]
        tokens += read
        positions += range(len(tree.context), len(tree.context) + len(read))
        segments += [n] * len(read)
    empty = length - len(tokens)
    return Row([filler] * empty + tokens, [0] * empty + positions, [PAD] * empty + segments)


def places(tree: Tree, window: int) -> list[list[int]]:
    """For each continuation, where in the last `window` places of its row each of its tokens is predicted."""
    start = window - tree.tail
    found, read = [], start + 1
    for continuation in tree.continuations:
        found.append([start, *range(read, read + len(continuation) - 1)])
        read += len(continuation) - 1
    return found


def batches(trees: list[Tree], size: int) -> list[list[int]]:
    """Numbers of the trees that are read together: longest first, so that a batch pads little."""
    order = sorted(range(len(trees)), key=lambda n: (-trees[n].length, n))
    return [order[i : i + size] for i in range(0, len(order), size)]
