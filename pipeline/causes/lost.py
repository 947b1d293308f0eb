"""What fell, item by item: the answers that the reference had and the candidate has not, and those that both have, as their control."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
LEAST_P = 0.05
"""Where only all items together fell, an ability with a p of its own up to this is looked at."""


@dataclass(frozen=True)
class Item:
    """One question with what the candidate said to it."""

    benchmark: str
    doc_id: int
    doc_hash: str
    prompt: str
    target: str
    response: str
    before: str = ""
    """What the reference answered, and rightly: the answer that was lost, or kept."""
    cluster: str | None = None
    prompt_hash: str = ""

    @property
    def key(self) -> str:
        """Its name in a record: no text, so that a record holds nobody's words."""
        return f"{self.benchmark}/{self.doc_id}"


@dataclass(frozen=True)
class Fallen:
    """One ability that fell against a reference."""

    ability: str
    reference: str
    """champion or origin."""
    lost: tuple[Item, ...]
    kept: tuple[Item, ...]
    rest: tuple[Item, ...] = ()
    """Gained, or wrong on both sides."""
    gained: int = 0

    @property
    def n(self) -> int:
        return len(self.lost) + len(self.kept) + len(self.rest)


def named(verdict: Row) -> dict[str, str]:
    """Abilities that fell, each with the reference that shows it, the champion first.

    Where no single ability is proved worse but all together are, those that lean that way; else none.
    """
    found: dict[str, str] = {}
    for reference, table in (("champion", verdict), ("origin", verdict.get("origin") or {})):
        rows = table.get("abilities") or {}
        blocked = [name for name, row in rows.items() if row.get("decision") == "block"]
        if not blocked and (table.get("pooled") or {}).get("decision") == "block":
            leaning = sorted((n for n, r in rows.items() if (r.get("drop") or 0) > 0), key=lambda n: -rows[n]["drop"])
            blocked = [n for n in leaning if (rows[n].get("p") or 1) <= LEAST_P] or leaning[:1]
        for name in blocked:
            found.setdefault(name, reference)
    return found


def deciding(rows: Iterable[Row], declared: Mapping[str, Row]) -> dict[str, tuple[str, str, bool]]:
    """(metric, filter, whether more is better) of each benchmark: as its scores declare, else the first that is listed."""
    found: dict[str, tuple[str, str, bool]] = {}
    for row in rows:
        found.setdefault(row["benchmark"], (row["metric"], row["filter"], True))
    for ability in declared.values():
        found |= {b: (d["metric"], d["filter"], d.get("higher_is_better", True)) for b, d in (ability.get("decides") or {}).items()}
    return found


def parted(ability: str, reference: str, before: list[Row], after: list[Row], declared: Mapping[str, Row]) -> Fallen:
    """The ability's items, lost and kept. before, after: rows of items.parquet of the reference and of the candidate."""
    choice = deciding(after, declared)
    was = {identity(row): row for row in _decided(before, ability, choice)}
    lost: list[Item] = []
    kept: list[Item] = []
    rest: list[Item] = []
    gained = 0
    for row in _decided(after, ability, choice):
        other = was.get(identity(row))
        if other is None or row["value"] is None or other["value"] is None:
            continue
        sign = 1 if choice[row["benchmark"]][2] else -1
        now, then = sign * row["value"], sign * other["value"]
        gained += now > then
        side = lost if now < then else kept if now == then and now > 0 else rest
        side.append(_item(row, other))
    return Fallen(ability, reference, tuple(lost), tuple(kept), tuple(rest), gained)


def _decided(rows: Iterable[Row], ability: str, choice: Mapping[str, tuple[str, str, bool]]) -> Iterable[Row]:
    """The ability's rows under the metric and filter that decide; a benchmark that only one side answered pairs with nothing."""
    return (r for r in rows if r["ability"] == ability and (r["metric"], r["filter"]) == choice.get(r["benchmark"], ())[:2])


def identity(row: Row) -> tuple:
    """What pairs an answer with the other side's; documents that repeat keep their occurrence."""
    return (row["benchmark"], row["doc_hash"], row["prompt_hash"], row.get("occurrence") or 0)


def _item(row: Row, other: Row) -> Item:
    prompt, target, response = (str(row.get(name) or "") for name in ("prompt", "target", "response"))
    before, cluster = str(other.get("response") or ""), row.get("cluster")
    return Item(
        row["benchmark"], int(row.get("doc_id") or 0), str(row["doc_hash"]), prompt, target, response, before, cluster, row["prompt_hash"]
    )


def drawn(items: Iterable[Item], most: int) -> list[Item]:
    """At most so many, by a hash, so that nobody picks."""
    return sorted(items, key=lambda i: lot(i.benchmark, i.doc_hash, i.doc_id))[:most]


def lot(*named: object) -> str:
    """An item's place in a draw by hash: its benchmark, document hash and number."""
    return hashlib.sha256(" ".join(map(str, named)).encode()).hexdigest()
