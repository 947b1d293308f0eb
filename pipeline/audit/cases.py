"""A case: one thing that mine made, with what a person needs to see before they can say whether it is right."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import lake, lineage, people
from pipeline.errors import BadInput
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

TABLES = ("sft", "dpo", "kto")
IMPLICIT = "implicit"

Row = dict[str, Any]
Messages = dict[str, Row]


@dataclass(frozen=True)
class Case:
    """One row to train on, or one thing heard in a user's next words."""

    id: str
    """A keyed hash: whoever has it alone can look up nobody."""
    table: str
    """sft, dpo, kto, or implicit for what is no row."""
    rule: str
    """What made it: signal and shape of the row (`edit/dpo`), or class and rule of what was heard (`implicit/complaint/en/wrong`)."""
    task: str
    conversation_id: str
    row: Row
    """As it lies in the sealed folder."""
    messages: Messages | None = None
    """Those of its conversation by id, where they were asked for."""

    @property
    def context(self) -> list[Row]:
        """The messages that the answer answers."""
        if self.table == "sft":
            return list(self.row["messages"][:-1])
        if self.table in TABLES:
            return list(self.row["prompt"])
        path = self._path()
        return path[:-2] if len(path) > 1 and path[-2]["role"] == "assistant" else path[:-1]

    @property
    def answer(self) -> str:
        """What the model had said, as the lake holds it."""
        ids = self.row["message_ids"] if self.table in TABLES else [self.row["evidence"].get("answer_id")]
        shown = [m for m in map((self.messages or {}).get, ids) if m and m["role"] == "assistant"]
        return spoken(shown[0]) if shown else ""

    @property
    def said(self) -> str:
        """What the user said or did about it."""
        evidence = self.row["evidence"]
        if self.table == IMPLICIT:
            turn = (self.messages or {}).get(self.row["message_id"])
            return spoken(turn) if turn else str(evidence.get("quote") or "")
        words = [*_list(evidence.get("said")), *_list(evidence.get("reasons"))]
        return "\n".join([f"{self.row['source']}: {evidence.get('rule', '')}", *words])

    @property
    def proposed(self) -> list[tuple[str, str]]:
        """What mine makes of it, part by part."""
        if self.table == "sft":
            return [("answer to learn", spoken(self.row["messages"][-1]))]
        if self.table == "dpo":
            return [(name, "\n".join(map(spoken, self.row[name]))) for name in ("chosen", "rejected")]
        if self.table == "kto":
            return [("good answer" if self.row["label"] else "bad answer", "\n".join(map(spoken, self.row["completion"])))]
        return [("heard", f"{self.row['signal']} ({self.row['polarity']} about the answer), in: {self.row['evidence'].get('quote', '')}")]

    @property
    def weight(self) -> float:
        return float(self.row["weight"])

    def _path(self) -> list[Row]:
        """From the first message to the turn that says it."""
        found, last = self.messages or {}, self.row["message_id"]
        path: list[Row] = []
        while last in found and len(path) < len(found):
            path.append(found[last])
            last = found[last]["parent_id"]
        return path[::-1]


def of(settings: Settings, pairs: str) -> list[Case]:
    """Every case of a sealed pairs folder whose conversation is still here with its consent, in the order of their ids."""
    lineage.require(settings, pairs, "pairs")
    if not lake.exists(settings):
        raise BadInput(f"there is no lake in {settings.home}: who consents cannot be looked up; check EQUIPOISE_HOME")
    folder = lineage.folder(settings, pairs)
    found = [*rows(settings, folder), *_heard(settings, folder / "signals.jsonl")]
    with lake.connect(settings) as con:
        ask(con, found)
        here = {r["conversation_id"] for r in lake.query(con, "audit/consenting")}
    return sorted({c.id: c for c in found if c.conversation_id in here}.values(), key=lambda c: c.id)


def told(settings: Settings, cases: list[Case]) -> list[Case]:
    """The same cases with what was said in their conversations, as the lake has it now."""
    said: dict[str, Messages] = {}
    with lake.connect(settings) as con:
        ask(con, cases)
        for row in lake.query(con, "audit/messages"):
            said.setdefault(row["conversation_id"], {})[row["message_id"]] = row
    return [replace(c, messages=said.get(c.conversation_id, {})) for c in cases]


def spoken(message: Row) -> str:
    """A message as text, calls of tools included."""
    return "\n".join(t for t in (message.get("content"), message.get("tool_calls")) if t)


def ask(con: "Connection", cases: list[Case]) -> None:
    import pyarrow as pa

    con.register("audited", pa.table({"conversation_id": pa.array(sorted({c.conversation_id for c in cases}), pa.string())}))


def rows(settings: Settings, folder: Path) -> Iterator[Case]:
    import pyarrow.parquet as pq

    for table in TABLES:
        for row in pq.read_table(folder / f"{table}.parquet").to_pylist():
            known = row | {"evidence": json.loads(row["evidence"] or "{}")}
            id = _id(settings, [table, row["example_id"]])
            yield Case(id, table, f"{row['source']}/{table}", row["task"], row["conversation_id"], known)


def _heard(settings: Settings, path: Path) -> Iterator[Case]:
    """What was heard in the users' next words; what they did on purpose is judged by the rows that it made."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["origin"] != IMPLICIT:
            continue
        rule = str(row["evidence"]["rule"]).removeprefix(f"{IMPLICIT}/")
        id = _id(settings, [IMPLICIT, row["conversation_id"], row["message_id"], row["signal"]])
        yield Case(id, IMPLICIT, f"{IMPLICIT}/{row['signal']}/{rule}", row.get("task") or "-", row["conversation_id"], row)


def _id(settings: Settings, parts: list[str]) -> str:
    return f"case-{people.mark(settings, 'audit', json.dumps(parts, ensure_ascii=False))[:16]}"


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(v) for v in value or []]
