"""A day that is mostly unreadable stops: nothing of it is stored, its bad lines lie in quarantine to be looked at, and exit 65 says so.

Half a day's feedback is not a smaller day, it is a biased one: the good lines are those that one broken exporter did not touch. So
a person decides, who mends the file or raises the limit in the recipe; no option of a command line does.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.errors import BadInput
from pipeline.ingest import chunk, forgotten, turns
from pipeline.ingest.draft import Draft
from pipeline.ingest.quarantine import Row
from pipeline.recipe import Ingest
from pipeline.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

    from pipeline.ingest.making import Made

LIMITS = {"max_quarantined_share", "max_quarantined_lines"}
"""Fields of the recipe that say when a day stops. They do not change how a line is read."""


class Stopped(BadInput):
    """More of a day was bad than its recipe allows."""


def check(result: dict[str, Any], rules: Ingest) -> None:
    """Raise Stopped where a day's counts are over the recipe's threshold."""
    refused = [row for row in result["quarantine"] if row["what"] == "line" and row["reason"] not in forgotten.REASONS]
    lines, bad = result["lines"], len(refused)
    if bad <= max(rules.max_quarantined_lines, rules.max_quarantined_share * lines):
        return
    (file, _), *others = Counter(row["file"] for row in refused).most_common()
    (reason, times), *_ = Counter(row["reason"] for row in refused).most_common()
    by_share = rules.max_quarantined_share * lines >= rules.max_quarantined_lines
    limit = (
        f"{rules.max_quarantined_share:.0%} (ingest.max_quarantined_share)"
        if by_share
        else f"{rules.max_quarantined_lines} lines (ingest.max_quarantined_lines)"
    )
    raise Stopped(
        f"{file}{f' and {len(others)} more files' if others else ''}: {bad} of {lines} lines of {result['day']} are bad ({bad / lines:.0%}),"
        f" above the recipe's {limit}; most often {reason} ({times} lines)."
        f" Nothing of the day was stored; see the lines: equipoise quarantine --day {result['day']}"
    )


def keep(con: "Connection", made: "Made", settings: Settings) -> None:
    """Put the bad lines of a stopped day into quarantine, and nothing else into the lake. made: begun anew in block 0, which no batch has.

    The day was taken back whole, its bad lines too, so the files are read once more.
    """
    batch = made.batch
    draft = Draft(con, settings, batch.day)
    try:
        for sha in sorted(made.shas - batch.before):
            draft.step("ingest/forget_quarantine", file_sha=sha)
        for part in chunk.chunks(made.files, batch.format, batch.reading):
            bad = [(file, found) for file, found in batch.understand(part) if isinstance(found, Row)]
            draft.write(*batch.take(list(bad), {}))
        draft.close()
        draft.step("ingest/hush_quarantine", first=0)
        with turns.commit(settings):
            lake.retried(lambda: _kept(con, draft))
    except BaseException:
        draft.drop()
        raise
    draft.done()


def _kept(con: "Connection", draft: Draft) -> None:
    with lake.transaction(con):
        draft.replay()
