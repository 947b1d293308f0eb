"""Erase: write down what goes, clean what was derived from it, then the lake, and leave a receipt. A kill at any moment is finished by the next run."""

import os
import pwd
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import lake, lineage
from pipeline.erase import asked, journal, leftovers, pause, purge, raw, receipt, survey, sweep, taint
from pipeline.erase.asked import Asked
from pipeline.erase.gone import Gone
from pipeline.erase.journal import Journal
from pipeline.ingest import run as ingest
from pipeline.ingest import turns
from pipeline.progress import say
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

Receipt = dict[str, Any]


def users(settings: Settings, names: list[str], reason: str, listed: Path | None = None) -> Receipt:
    """Erase users by the ids that the logs use, and refuse whatever comes of them later. Returns the receipt.

    listed: the file that the names came from; inside home it would be the one place that still names them, so there it goes too.
    """
    with pause.alone(settings), turns.alone(settings):
        finish_open(settings, set(names))
        with lake.connect(settings) as con:
            request = asked.of_users(con, settings, names)
        earlier = None if request.new else receipt.that_covers(settings, request.marks)
        work = None if earlier else _begin(settings, request, reason)
        if listed and listed.resolve().is_relative_to(settings.home):
            listed.unlink()  # from here on the journal knows whom to look for
        if work:
            return carry_out(settings, work, set(names))
        assert earlier
        say(f"forgotten before, and nothing has come since: {earlier['id']}")
        return earlier


def due(settings: Settings, days: int | None) -> list[Receipt]:
    """Erase what nobody has to ask for: texts whose consent was withdrawn, and, with a limit, what is too old."""
    made = []
    with pause.alone(settings), turns.alone(settings):
        made += finish_open(settings, set())
        if not lake.exists(settings):
            return made
        requests = [(lambda con: asked.of_withdrawn(con, settings), "consent was withdrawn")]
        if days is not None:
            requests.append((lambda con: asked.of_age(con, settings, days), f"older than {days} days"))
        for ask, reason in requests:
            with lake.connect(settings) as con:
                request = ask(con)
            if request.new:
                made.append(carry_out(settings, _begin(settings, request, reason), set()))
    return made


def finish(settings: Settings) -> list[Receipt]:
    """Finish what a kill left open, and nothing else."""
    with pause.alone(settings), turns.alone(settings):
        return finish_open(settings, set())


def finish_open(settings: Settings, names: set[str]) -> list[Receipt]:
    left = journal.take_up(settings)
    for one in left:
        say(f"{one.id} was begun and not finished: finishing it first")
    return [carry_out(settings, one, names) for one in left]


def _begin(settings: Settings, request: Asked, reason: str) -> Journal:
    by = pwd.getpwuid(os.getuid()).pw_name
    return journal.begin(settings, request.marks, asked.about(request, reason, by))


def carry_out(settings: Settings, work: Journal, names: set[str]) -> Receipt:
    """All of one erasure, in an order that a kill cannot spoil: each step can be done again, and needs only what later steps remove."""
    before = date.fromisoformat(work.about["before"])
    with lake.connect(settings) as con:
        _remember(con, work)
        ingest.seal_what_is_not(con, settings)  # of a killed ingest: its version of the lake is about to expire
        gone = survey.of(con, settings, {(r["what"], r["mark"]) for r in lake.query(con, "erase/marks")}, before)
    gone.raw |= names
    renamed = raw.sweep(settings, work, gone)
    sweep.sealed(settings, work, gone, renamed)
    mixes = sweep.trained_on(settings, work.id)
    _wipe_scratch(settings, bool(mixes))
    if not work.of("by_hand"):
        work.write(by_hand=leftovers.find(settings, gone, set(work.about["sources"])))
    _empty_lake(settings, work, gone, before, renamed)
    tainted = taint.write(settings, work, mixes)
    facts = receipt.of(settings, work, tainted)
    work.close(facts)
    say(receipt.sentence(facts))
    return facts


def _remember(con: "Connection", work: Journal) -> None:
    """From here on nothing of them is taken in again."""
    import pyarrow as pa

    what, mark = (pa.array(column, pa.string()) for column in zip(*sorted(work.marks), strict=True)) if work.marks else ([], [])

    def add() -> None:
        with lake.transaction(con):
            con.register("marks", pa.table({"what": what, "mark": mark}))
            lake.run(con, "erase/add_marks", receipt=work.id)

    if work.marks:
        lake.retried(add)


def _wipe_scratch(settings: Settings, trained: bool) -> None:
    """Spilled tables always; half-made models only where training rows were erased: they hold rows as numbers, and no name to find them by."""
    shutil.rmtree(settings.home / "work" / "duckdb", ignore_errors=True)
    if trained:
        shutil.rmtree(settings.home / "work", ignore_errors=True)


def _empty_lake(settings: Settings, work: Journal, gone: Gone, before: date, renamed: dict[str, str]) -> None:
    """Rows, files, older versions, free pages; then the logs name the version that is left."""
    if work.about["what"] == "user" and not any(work.about["found"].values()) and not renamed:
        return  # the lake never heard of them

    with lake.connect(settings) as con:

        def delete() -> None:
            with lake.transaction(con):
                survey.register(con, gone)
                lake.run(con, "erase/delete", before=before)
                for old, new in renamed.items():
                    lake.run(con, "erase/rename_source", before=old, after=new)

        lake.retried(delete)
        left = purge.files(con)
    purge.catalogue(settings)
    for manifest in lineage.all_of(settings, "logs"):
        if manifest.get("snapshot") != left:
            sweep.reseal(settings, work, manifest, left)


def read(path: Path) -> list[str]:
    """Ids of users, one a line."""
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
