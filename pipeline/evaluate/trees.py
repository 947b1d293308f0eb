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
