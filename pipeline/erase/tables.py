"""Sealed Parquet tables without the rows of the gone: looked at by their id columns, rewritten only where a row goes."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.erase.gone import Gone, Row, parsed

IDS = ("conversation_id", "user_hash", "evidence", "cluster", "target")
MINED = ("sft", "dpo", "kto", "heldout", "dropped")


@dataclass(frozen=True)
class Sifted:
    """Which rows of a table go, and which stay with less evidence."""

    path: Path
    gone: frozenset[int]
    changed: dict[int, str]
    """Row number: its evidence without what the gone said."""

    def __bool__(self) -> bool:
        return bool(self.gone or self.changed)


def sift(path: Path, gone: Gone, evidence: bool = True) -> Sifted:
    """Decide row by row; reads the columns of ids and no text. evidence: look also at what rows that stay were proved by."""
    import pyarrow.parquet as pq

    names = pq.ParquetFile(path).schema_arrow.names
    if not {"conversation_id", "cluster"} & set(names):
        return Sifted(path, frozenset(), {})
    rows = pq.read_table(path, columns=[c for c in IDS if c in names]).to_pylist()
    goes = gone.row if "conversation_id" in names else gone.item
    out = frozenset(n for n, row in enumerate(rows) if goes(row))
    staying = [(n, row) for n, row in enumerate(rows) if n not in out] if evidence else []
    fewer = {n: text for n, row in staying if (text := less_evidence(row, gone)) is not None}
    return Sifted(path, out, fewer)


def less_evidence(row: Row, gone: Gone) -> str | None:
    """The evidence of a row that stays, without the events and quotes of the gone; None where it names none of them."""
    found = parsed(row.get("evidence"))
    events = found.get("events")
    if not isinstance(events, list) or not any((row.get("conversation_id"), e) in gone.events for e in events):
        return None
    found["events"] = [e for e in events if (row.get("conversation_id"), e) not in gone.events]
    if isinstance(found.get("said"), list):
        found["said"] = [s for s in found["said"] if not gone.words.same(s)]
    return json.dumps(found, ensure_ascii=False, sort_keys=True)


def split(sifted: Sifted) -> tuple[list[Row], list[Row]]:
    """(rows that go, rows that stay), whole."""
    import pyarrow.parquet as pq

    rows = pq.read_table(sifted.path).to_pylist()
    return [r for n, r in enumerate(rows) if n in sifted.gone], [r for n, r in enumerate(rows) if n not in sifted.gone]


def write(sifted: Sifted, to: Path) -> None:
    """The table without those rows, in the types and the compression that it had."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(sifted.path)
    table = file.read()
    if sifted.changed:
        at = table.schema.get_field_index("evidence")
        evidence = [sifted.changed.get(n, text) for n, text in enumerate(table.column(at).to_pylist())]
        table = table.set_column(at, table.schema.field(at), pa.array(evidence, table.schema.field(at).type))
    stay = table.filter(pa.array([n not in sifted.gone for n in range(table.num_rows)]))
    pq.write_table(stay, to, compression=compression(file))


def compression(file: Any) -> str:
    """How a Parquet file is packed, by its first column."""
    if not file.metadata.num_row_groups or not file.metadata.num_columns:
        return "zstd"
    found = file.metadata.row_group(0).column(0).compression.lower()
    return "none" if found == "uncompressed" else found
