"""Lay questions and their choices out as one tree of tokens, so that the model reads every shared beginning once.

A choice question is a context and several continuations. Written out, each context is read once a choice; and chat templates, passages
and instructions begin many contexts alike. In a tree each token has a parent, sees its ancestors only and stands at its depth, so one
pass gives every continuation the log-likelihood that it has on its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

ROOT = -1
Pair = tuple[tuple[int, ...], tuple[int, ...]]
"""Context and continuation, in token ids; neither is empty."""


@dataclass
class Tree:
    """Tokens with their parents; `paths` says for each pair which nodes predict its continuation's tokens."""

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    paths: dict[Pair, list[int]] = field(default_factory=dict)
    children: dict[tuple[int, int], int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, pair: Pair) -> None:
        """Grow the branch of one pair. The last token is not read: nothing follows it."""
        context, continuation = pair
        node = ROOT
        for token in context:
            node = self._step(node, token)
        path = [node]
        for token in continuation[:-1]:
            node = self._step(node, token)
            path.append(node)
        self.paths[pair] = path

    def _step(self, parent: int, token: int) -> int:
        node = self.children.setdefault((parent, token), len(self.tokens))
        if node == len(self.tokens):
            self.tokens.append(token)
            self.parents.append(parent)
            self.depths.append(0 if parent == ROOT else self.depths[parent] + 1)
        return node


def stems(pairs: list[Pair], least: int, size: int) -> Iterator[tuple[int, list[Pair]]]:
    """Pairs in groups, each with the number of tokens that all its contexts begin with: few-shot examples, a long instruction.

    A beginning is worth keeping where it has at least `least` tokens and the group would fill more than one tree of `size`; all
    other pairs come last, with a beginning of 0. One token of each context stays outside, for its first answer to be read from.
    """
    loose: list[Pair] = []
    for length, group in _alike(sorted(set(pairs)), least):
        contexts = {a for a, _ in group}
        rest = sum(len(a) - length for a in contexts) + sum(len(b) - 1 for _, b in group)
        if length >= least and length + rest > size and len(contexts) > 1:
            yield length, group
        else:
            loose += group
    if loose:
        yield 0, loose


def _alike(pairs: list[Pair], least: int) -> Iterator[tuple[int, list[Pair]]]:
    """Neighbours in sorted order, as long as what they share stays long enough and does not shrink to less than half."""
    group: list[Pair] = []
    common = 0
    for pair in pairs:
        shared = _shared(group[0][0], pair[0], common) if group else 0
        if group and shared >= least and 2 * shared >= common:
            common = shared
        else:
            if group:
                yield common, group
            group, common = [], len(pair[0]) - 1
        group.append(pair)
    if group:
        yield common, group


def _shared(a: tuple[int, ...], b: tuple[int, ...], most: int) -> int:
    most = min(most, len(a) - 1, len(b) - 1)
    return next((i for i in range(most) if a[i] != b[i]), most)


def grow(pairs: list[Pair], size: int) -> Iterator[Tree]:
    """Trees of about `size` tokens that hold all pairs. In sorted order neighbours share the most; a context stays in one tree."""
    tree, last = Tree(), None
    for pair in sorted(set(pairs)):
        if len(tree) >= size and pair[0] != last:
            yield tree
            tree = Tree()
        tree.add(pair)
        last = pair[0]
    if len(tree):
        yield tree
