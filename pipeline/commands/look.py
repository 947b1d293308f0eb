"""Look at the lake: what its tables weigh, how far back it can be read, and what a clean-up would find."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

WIDTH = 100
COLUMNS = ("table", "rows", "inlined", "deleted", "files", "size")


def run(settings: Settings, grace: timedelta) -> dict[str, Any]:
    """The facts, read only."""
    with lake.connect(settings) as con:
        versions = lake.query(con, "lake/snapshots")
        return {
            "catalogue": str(settings.catalogue or settings.server),
            "data": settings.data,
            "tables": tables(con),
            **size(con),
            "versions": len(versions),
            "oldest": versions[0]["made"].isoformat(),
            "newest": versions[-1]["made"].isoformat(),
            "orphans": len(lake.query(con, "lake/orphans", before=datetime.now(UTC) - grace)),
        }


def tables(con: "Connection") -> list[dict[str, Any]]:
    """Each table with its rows, those in the catalogue and those deleted but still in files."""
    inlined: dict[str, int] = {}
    for place in lake.query(con, "lake/inlined"):
        inlined[place["name"]] = inlined.get(place["name"], 0) + lake.query(con, "lake/inlined_rows", place=place["place"])[0]["rows"]
    return [
        {
            "table": t["name"],
            "rows": lake.query(con, "lake/rows", name=t["name"])[0]["rows"],
            "inlined": inlined.get(t["name"], 0),
            "deleted": t["deleted"],
            "files": t["files"],
            "bytes": t["bytes"],
        }
        for t in lake.query(con, "lake/tables")
    ]


def size(con: "Connection") -> dict[str, int]:
    """Files and bytes of the newest version, and the files that wait for removal."""
    found = lake.query(con, "lake/tables")
    return {
        "files": sum(t["files"] for t in found),
        "bytes": sum(t["bytes"] for t in found),
        "waiting": lake.query(con, "lake/waiting")[0]["files"],
    }


def text(found: dict[str, Any], terminal: bool) -> str:
    """The same for a person: a table on a terminal, plain columns in a file."""
    rows = [[t["table"], *(f"{t[c]:,}" for c in ("rows", "inlined", "deleted", "files")), human(t["bytes"])] for t in found["tables"]]
    head = f"catalogue  {found['catalogue']}\nfiles      {found['data']}: {found['files']}, {human(found['bytes'])}"
    tail = [
        f"versions   {found['versions']}, from {found['oldest'][:16]} to {found['newest'][:16]}",
        f"to clean   {found['waiting']} files no longer needed, {found['orphans']} orphans: equipoise lake compact",
    ]
    return "\n".join([head, _drawn(rows) if terminal else _plain(rows), *tail])


def _drawn(rows: list[list[str]]) -> str:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "table" else "right")
    for row in rows:
        table.add_row(*row)
    paper = StringIO()
    Console(file=paper, width=WIDTH).print(table)  # no colours: `printable` would write their signs out
    return paper.getvalue().rstrip()


def _plain(rows: list[list[str]]) -> str:
    whole = [list(COLUMNS), *rows]
    widths = [max(len(row[i]) for row in whole) for i in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))) for row in whole
    )


def human(size: float) -> str:
    """Bytes in the unit that leaves up to three digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
