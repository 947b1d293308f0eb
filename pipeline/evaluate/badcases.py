"""Bad cases to look into: what the candidate lost, then what else it gets wrong of its target tasks, drawn by hash and shared out over abilities."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.causes import lost

Row = dict[str, Any]
FRAME = ("first-turn", "its-answer", "second-turn")


@dataclass(frozen=True)
class Case:
    """One item that the candidate gets wrong, as it was asked."""

    name: str
    """benchmark/doc id: its name in a record, which holds nobody's words."""
    ability: str
    kind: str
    side: str
    """lost: the champion had it; wrong: neither had."""
    prompt: str
    """The whole text that the model read."""
    gold: str
    given: str
    choices: tuple[tuple[str, str], ...] = ()
    """(prompt, continuation) of each answer that was offered; none where the model writes its answer."""
    right: Callable[[str], bool] = field(default=lambda text: False, compare=False)
    """Whether a written answer is right."""
    most: int = 32
    """Tokens of a written answer."""

    @property
    def writes(self) -> bool:
        return not self.choices


def drawn(candidate: Sequence[Row], champion: Sequence[Row], declared: Mapping[str, Row], most: int) -> list[tuple[str, str, Row]]:
    """(side, kind, row) of at most `most` bad cases: lost ones, then wrong ones of target tasks, abilities in turn."""
    choice = lost.deciding(candidate, declared)
    skipped = {b for a in declared.values() if a.get("rule") == "drift" for b in a.get("tasks") or ()}
    was = {lost.identity(row): row for row in champion if _decides(row, choice)}
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in candidate:
        before = was.get(lost.identity(row))
        if not _decides(row, choice) or row["benchmark"] in skipped or row["value"] is None or before is None or before["value"] is None:
            continue
        sign = 1 if choice[row["benchmark"]][2] else -1
        if sign * row["value"] < sign * before["value"]:
            groups.setdefault(("lost", row["ability"]), []).append(row)
        elif row["kind"] == "target" and row["value"] < 1:
            groups.setdefault(("wrong", row["ability"]), []).append(row)
    for rows in groups.values():
        rows.sort(key=lambda r: lost.lot(r["benchmark"], r["doc_hash"], r["doc_id"]))
    turns = [
        [(side, row["kind"], row) for row in rows]
        for (side, _), rows in sorted(groups.items(), key=lambda g: (g[0][0], -len(g[1]), g[0][1]))
    ]
    picked: list[tuple[str, str, Row]] = []
    for side in ("lost", "wrong"):
        mine = [rows for rows in turns if rows[0][0] == side]
        picked += [one for one in itertools.chain.from_iterable(itertools.zip_longest(*mine)) if one]
    return picked[:most]


def _decides(row: Row, choice: Mapping[str, tuple[str, str, bool]]) -> bool:
    return (row["metric"], row["filter"]) == choice[row["benchmark"]][:2] and row["kind"] != "report"


def spans(prompt: str, render: Callable[[list[Row]], str] | None) -> list[tuple[int, int]]:
    """Where the words of this question stand in the rendered prompt: the user's last turn, and the opening of the answer where one was given.

    render: the chat template with its prompt to answer. Without one, or where it is not recognised, the whole prompt is the question.
    """
    if render is None:
        return [(0, len(prompt))]
    text = render([{"role": r, "content": c} for r, c in zip(("user", "assistant", "user"), FRAME, strict=True)])
    if any(text.count(word) != 1 for word in FRAME):
        return [(0, len(prompt))]
    before, rest = text.split(FRAME[0])
    between, rest = rest.split(FRAME[1])
    middle, after = rest.split(FRAME[2])
    opening = _common(before[::-1], middle[::-1])[::-1]
    closing = _common(between, after)
    start = prompt.rfind(opening) + len(opening) if opening and opening in prompt else -1
    end = prompt.find(closing, start) if closing and start >= 0 else -1
    if end < 0:
        return [(0, len(prompt))]
    return [(start, end), *([(end + len(closing), len(prompt))] if prompt[end + len(closing) :].strip() else [])]


def _common(one: str, other: str) -> str:
    return "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
