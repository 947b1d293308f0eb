"""What other batches did while this one was made, and whether this one would have read anything else, had it begun after them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.ingest.batch import ROOM
from pipeline.ingest.formats.base import Found
from pipeline.ingest.past import Earlier

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from pipeline.ingest.making import Made


class Asked(Earlier):
    """The lake as importers see it, with a memory of the answers that may change."""

    def __init__(self, con: "Connection") -> None:
        super().__init__(con)
        self.answers: dict[str, Found | None] = {}

    def calls(self, keys: Iterable[str]) -> dict[str, Found]:
        keys = list(keys)
        found = super().calls(keys)
        self.answers |= {key: found.get(key) for key in keys}
        return found

    def would_hear_otherwise(self) -> bool:
        """Whether a call has come, or become doubtful, since it was asked for."""
        before = dict(self.answers)
        now = super().calls(before) if before else {}
        return any(now.get(key) != answer for key, answer in before.items())


def would_read_otherwise(con: "Connection", made: "Made", past: list[dict[str, Any]], before: set[str]) -> bool:
    """Whether a batch must be made again. past, before: all batches and the files read by the same rules, as they are now.

    Nobody can have been forgotten meanwhile: an erasure waits until no batch is being made.
    """
    if lake.snapshot(con) == made.snapshot:
        return False
    if before & made.shas != made.batch.before & made.shas:
        return True
    there = {batch["logs_id"] for batch in made.past}
    blocks = sorted(batch["block"] for batch in past if batch["logs_id"] not in there)
    first, last = (blocks[0], blocks[-1]) if blocks else (0, -1)
    asked = {"blocks": blocks, "first": first * ROOM, "next": (last + 1) * ROOM, "room": ROOM, "snapshot": made.snapshot}
    return bool(lake.query(con, "ingest/touched_since", **asked)) or made.asked.would_hear_otherwise()
