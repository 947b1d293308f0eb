"""Equal rows teach once, and a pair that stands both ways round teaches nothing."""

from collections import defaultdict

from pipeline.mine.candidates import Candidate
from pipeline.mine.marks import Drop
from pipeline.mine.votes import contested


def exact(candidates: list[Candidate]) -> tuple[list[Candidate], list[Drop]]:
    """Keep the first said of equal rows. A hotfix goes first: it was written for this."""
    kept: dict[tuple, Candidate] = {}
    dropped = []
    for c in sorted(candidates, key=lambda c: (not c.talk.hotfix, c.order)):
        if c.content in kept:
            dropped.append(Drop("duplicate", c, c.kind, like=kept[c.content].example_id))
        else:
            kept[c.content] = c
    return list(kept.values()), dropped


def one_way(candidates: list[Candidate], least: float) -> tuple[list[Candidate], list[Drop]]:
    """Pairs that different kinds of signals put the opposite way round: the side with more voices, or neither."""
    groups: dict[tuple, list[Candidate]] = defaultdict(list)
    for c in candidates:
        if c.kind == "dpo" and not c.talk.hotfix:
            *prompt, chosen, rejected = c.content
            groups[(*prompt, *sorted((chosen, rejected)))].append(c)
    lost: dict[int, str] = {}
    for group in groups.values():
        lost |= {id(c): reason for c, reason in contested(group, lambda c: c.content, least, voice=lambda c: c.speaker.voice)}
    return [c for c in candidates if id(c) not in lost], [Drop(lost[id(c)], c, c.kind) for c in candidates if id(c) in lost]
