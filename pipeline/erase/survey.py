"""Look before anything is taken: what the lake and the sealed folders hold of the gone, and in which words."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import lake, lineage
from pipeline.erase import tables
from pipeline.erase.gone import Gone, texts_of
from pipeline.erase.journal import Marks
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

NEVER = date(1, 1, 1)  # before every day: nothing is too old


def of(con: "Connection", settings: Settings, marks: Marks, before: date) -> Gone:
    """Everything to look for. Derived places are cleaned first and the lake last, so a run after a kill still finds the words it needs."""
    gone = Gone(settings, marks)
    in_lake(con, gone, before)
    for kind in ("pairs", "mix", "scores"):
        for manifest in lineage.all_of(settings, kind):
            for path in sorted(lineage.folder(settings, manifest["id"]).glob("*.parquet")):
                _in_table(path, kind, gone)
    con.register("asked", column_of("text", gone.texts))
    gone.texts -= {row["text"] for row in lake.query(con, "erase/others")}
    return gone


def in_lake(con: "Connection", gone: Gone, before: date) -> None:
    """What the lake still holds, by name."""
    for row in lake.query(con, "erase/conversations"):
        if gone.conversation(row["conversation_id"]):
            gone.conversations.add(row["conversation_id"])
            if row["consent"] is False and not gone.erased(row["conversation_id"]):
                gone.buried.add(row["conversation_id"])
    gone.users |= {row["user_hash"] for row in lake.query(con, "erase/people") if gone.user(row["user_hash"])}
    register(con, gone)
    gone.events |= {(row["conversation_id"], row["event_id"]) for row in lake.query(con, "erase/voices", before=before)}
    gone.refused |= {(row["file_sha"], row["line"]) for row in lake.query(con, "erase/refused", before=before) if row["what"] == "line"}
    gone.texts |= {row["text"] for row in lake.query(con, "erase/texts") if row["text"]}


def register(con: "Connection", gone: Gone) -> None:
    """The names as tables that sql/erase/ reads."""
    for name, column, values in (
        ("gone_conversations", "conversation_id", gone.conversations),
        ("buried", "conversation_id", gone.buried),
        ("gone_users", "user_hash", gone.users),
    ):
        con.register(name, column_of(column, values))


def column_of(column: str, values: set[str]) -> Any:
    import pyarrow as pa

    return pa.table({column: pa.array(sorted(values), pa.string())})


def _in_table(path: Path, kind: str, gone: Gone) -> None:
    sifted = tables.sift(path, gone, evidence=False)
    if not sifted.gone:
        return
    out, stay = tables.split(sifted)
    gone.texts |= {t for row in out for t in texts_of(row)} - {t for row in stay for t in texts_of(row)}
    if kind == "scores":
        gone.items |= {(row["benchmark"], row["doc_hash"]) for row in out}
        return
    gone.examples |= {row["example_id"] for row in out}
    if path.stem == "heldout":
        gone.answers |= {(row["conversation_id"], row["answer"]) for row in out}
        gone.tasks |= {row["task"] for row in out}
