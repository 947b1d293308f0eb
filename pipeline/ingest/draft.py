"""What one batch will do to the lake, kept beside the lake until its turn comes: large files that no table knows, and small steps in order.

So a batch reads for minutes and holds the lake for moments: no transaction is open while it reads, and a lake on SQLite lets others commit.
"""

import tempfile
from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.ingest import rows
from pipeline.ingest.merge import Changes, Known
from pipeline.ingest.store import Store
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

FEW = 1000  # rows that go in by an insert when the batch commits; more are worth a file of their own while nobody waits
LARGE = 4 * 1024 * 1024  # bytes of rows that are worth one too, however few they are: a transaction holds what is inserted in memory
CHECKED = 1_000_000  # messages that one pass of a check holds, by eight bytes each: a batch of many is checked in parts
IN_MEMORY = 16 * 1024 * 1024  # bytes of steps before they go to a file that has no name, and so leaves nothing behind
DIGESTS = ("conversations", "messages", "feedback")


class Draft:
    """One batch's rows on their way, and what later chunks of the batch have to know of them."""

    def __init__(self, con: "Connection", settings: Settings, day: date) -> None:
        work = settings.home / "work"
        work.mkdir(parents=True, exist_ok=True)
        work.chmod(0o700)
        self._con = con
        self._store = Store(con, settings, day)
        self._spool = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(work))  # noqa: SIM115 - it lives as long as the draft
        self._steps: list[Callable[[], None]] = []
        self._messages = 0
        lake.run(con, "ingest/draft")

    def step(self, script: str, **values: object) -> None:
        """A script to be run at its place in the order."""
        self._steps.append(lambda: lake.run(self._con, script, **values))

    def add(self, name: str, arriving: Any) -> None:
        """Rows of plainly good lines, of conversations that nobody spoke of before."""
        self._count(name, arriving)
        self._hand_over(self._store.add(name, arriving))

    def write(self, changes: Changes, refused: list[list[Any]]) -> None:
        """Rows of all other lines: what is replaced first, then what is new, then what may not stay."""
        for name, script, found in (
            ("superseded", "supersede_feedback", sorted(changes.superseded)),
            ("conversations", "change_conversations", changes.changed_conversations.values()),
            ("messages", "change_messages", changes.changed_messages.values()),
            ("conversations", "add_conversations", changes.new_conversations.values()),
            ("messages", "add_messages", changes.new_messages.values()),
            ("feedback", "add_feedback", changes.feedback),
            ("quarantine", "add_quarantine", refused),
            ("asked", "bury", [(i,) for i in sorted(changes.buried)]),
        ):
            if found:
                self._write(name, script, rows.table(name, found))
        if self._store.is_full():
            self._hand_over(self._store.close())

    def heard(self, ids: list[str]) -> set[str]:
        """Which conversations were heard of before: in the lake, or by an earlier chunk of this batch."""
        self._ask(ids)
        there = lake.query(self._con, "ingest/heard") + lake.query(self._con, "ingest/touched")
        return {row["conversation_id"] for row in there}

    def known(self, ids: set[str]) -> dict[str, Known]:
        """What there is of these conversations, by digests: in the lake, and above it in this draft."""
        known: dict[str, Known] = {}
        if not ids:
            return known
        self._ask(sorted(ids))
        for name in DIGESTS:
            if known or name != "messages":
                _fold(known, name, lake.query(self._con, f"ingest/known_{name}"))
        if lake.query(self._con, "ingest/touched"):
            self._hand_over(self._store.close())
            for name in DIGESTS:
                paths = self._store.files.get(name)
                _fold(known, name, lake.query(self._con, "ingest/filed", paths=paths) if paths else [])
                _fold(known, name, lake.query(self._con, "ingest/drafted", name=f"draft_{name}"))
            _silence(known)
        return known

    def touch(self, ids: Iterable[str]) -> None:
        """A chunk has spoken of these conversations, whatever came of it."""
        self._ask(list(ids))
        lake.run(self._con, "ingest/touch")

    def parts(self) -> int:
        """Into how many parts the checks of this batch are to be divided."""
        return 1 + self._messages // CHECKED

    def close(self) -> None:
        """Nothing more will be added."""
        self._hand_over(self._store.close())

    def replay(self) -> None:
        """Do all of it, in the connection's transaction. It can be done again where that was rolled back."""
        for step in self._steps:
            step()

    def done(self) -> None:
        """The lake has it all."""
        self._steps.clear()
        self._spool.close()

    def drop(self) -> None:
        """It is not to be: its files go."""
        self._store.drop()
        self.done()

    def _ask(self, ids: list[str]) -> None:
        import pyarrow as pa

        self._con.register("asked", pa.table({"conversation_id": pa.array(ids, pa.string())}))

    def _hand_over(self, files: list[tuple[str, str]]) -> None:
        for name, path in files:
            self.step("ingest/hand_over", name=name, path=path)

    def _count(self, name: str, arriving: Any) -> None:
        self._messages += len(arriving) if name == "messages" else 0

    def _write(self, name: str, script: str, arriving: Any) -> None:
        self._count(name, arriving)
        if script.startswith("add_") and (len(arriving) >= FEW or arriving.nbytes >= LARGE):
            self._hand_over([self._store.file(name, arriving)])
            return
        if name in DIGESTS:
            self._con.register("arriving", arriving)
            lake.run(self._con, f"ingest/draft_{name}", step=len(self._steps))
        at = self._spooled(arriving)
        self._steps.append(lambda: self._arrive(script, at))

    def _spooled(self, arriving: Any) -> int:
        import pyarrow as pa

        at = self._spool.seek(0, 2)
        with pa.ipc.new_stream(self._spool, arriving.schema) as stream:
            stream.write_table(arriving)
        return at

    def _arrive(self, script: str, at: int) -> None:
        import pyarrow as pa

        self._spool.seek(at)
        with pa.ipc.open_stream(self._spool) as stream:
            self._con.register("arriving", stream.read_all())
        lake.run(self._con, f"ingest/{script}")


def _fold(known: dict[str, Known], name: str, found: list[dict[str, Any]]) -> None:
    """Lay rows of digests over what is known, the newest last."""
    for row in found:
        of = known.setdefault(row["conversation_id"], Known())
        if name == "conversations":
            of.header, of.consent = row["digest"], row["consent"]
        elif name == "messages":
            of.messages[row["message_id"]] = (row["digest"], row["position"])
        else:
            of.events.setdefault(row["event_id"], set()).add(row["digest"])


def _silence(known: dict[str, Known]) -> None:
    """A tombstone has no messages, and its events no words, whatever stood there before."""
    for of in known.values():
        if not of.consent:
            of.messages.clear()
            of.events = {event: {None} for event in of.events}
