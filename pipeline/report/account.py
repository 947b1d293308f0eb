"""What is lost since the origin was set, and how often today's tests may ring for nothing: two lines that no single day shows."""

from typing import Any

Row = dict[str, Any]


def of(verdict: Row) -> Row | None:
    """The error budget as a reader needs it: rows that were charged or would be, and a sentence; None for a verdict from before there was one."""
    found = verdict.get("budget")
    if not found:
        return None
    rows = [{"name": name} | row for name, row in found["rows"].items() if row["spent"] or row["charge"]]
    anchor = found.get("anchor") or {}
    since = (
        f"since {anchor['by'] or 'a person'} set the origin on {anchor['since'][:10]} ({anchor['reason']})"
        if anchor
        else "since the origin was set"
    )
    count = len(found["promotions"])
    said = f"{count or 'No'} promotion{'s' if count > 1 else ''} {since}"
    said += ":" if any(row["spent"] for row in rows) else ", without a proved loss." if count else "."
    worst = f"If nothing changed, today's tests block all the same with probability {100 * found['worst_case_a_day']:.2f}% at most"
    return {"rows": rows, "sentence": f"{said} {worst}, {100 * found['alpha']:.2f}% of it against the origin."}
