"""What earlier batches know about calls: where late feedback belongs, and the times of a history that comes again without them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.ingest.formats.base import Facts, Found

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection


class Earlier:
    """The lake as importers see it."""

    def __init__(self, con: "Connection") -> None:
        self._con = con

    def calls(self, keys: Iterable[str]) -> dict[str, Found]:
        """Conversation and answer of calls, by their keys. A key that two conversations claim belongs to none for sure, and is left out."""
        found: dict[str, Found] = {}
        doubtful: set[str] = set()
        for row in self._asked("calls", "call", keys):
            if found.setdefault(row["call"], Found(row["conversation_id"], row["message_id"])).conversation != row["conversation_id"]:
                doubtful.add(row["call"])
        return {key: one for key, one in found.items() if key not in doubtful}

    def conversations(self, ids: Iterable[str]) -> dict[str, Facts]:
        """What is known of conversations, by id; those that have not come are left out."""
        ids = list(ids)
        found: dict[str, Facts] = {}
        for row in self._asked("conversations", "conversation_id", ids):
            header = {"app": row["app"], "model": row["model"], "started_at": _time(row["started_at"])}
            found[row["conversation_id"]] = Facts({k: v for k, v in header.items() if v}, json.loads(row["metadata"] or "{}"))
        if found:
            for row in self._asked("messages", "conversation_id", ids, "conversations"):
                facts = {"created_at": _time(row["created_at"]), "model": row["model"]}
                if row["conversation_id"] in found:
                    found[row["conversation_id"]].messages[row["message_id"]] = {k: v for k, v in facts.items() if v}
        return found

    def _asked(self, script: str, column: str, values: Iterable[str], view: str | None = None) -> list[dict[str, Any]]:
        import pyarrow as pa

        self._con.register(f"asked_{view or script}", pa.table({column: pa.array(sorted(set(values)), pa.string())}))
        return lake.query(self._con, f"ingest/past_{script}")


def _time(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None
