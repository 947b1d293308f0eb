"""The lesson beside the last release's: what was taught anew, what no longer, and which values of the training moved."""

from collections import Counter
from typing import Any

from pipeline.report.sources import Sources
from pipeline.report.words import number

Row = dict[str, Any]


def of(s: Sources) -> Row:
    """before (the champion's model), rows: [{what, before, after}] of what differs, and the taught rows that stayed, came and went."""
    if not s.earlier:
        return {"before": None, "rows": [], "taught": None}
    pairs = [*_tasks(s.earlier["counts"], s.counts), *_values(s.earlier["plan"], s.plan)]
    then, now = s.earlier["rows"], {r["example_id"] for r in s.rows.get("sft", []) if r["task"] != "general"}
    taught = {"stayed": len(then & now), "came": len(now - then), "went": len(then - now)}
    return {"before": s.verdict["champion"], "rows": [r for r in pairs if r["before"] != r["after"]], "taught": taught}


def _tasks(then: Row, now: Row) -> list[Row]:
    """Passes over the rows of each task."""
    passes = [Counter({t: int(f.get("passes") or 0) for t, f in (counts.get("tasks") or {}).items()}) for counts in (then, now)]
    names = dict.fromkeys([*passes[0], *passes[1]])
    return [{"what": f"passes over rows of {n}", "before": number(passes[0][n]), "after": number(passes[1][n])} for n in names]


def _values(then: Row, now: Row) -> list[Row]:
    """Values of the training."""
    found = [
        {n: number(v.get("value") if isinstance(v, dict) else v) for n, v in (plan.get("values") or {}).items()}
        | {"method": str(plan.get("method"))}
        for plan in (then, now)
    ]
    return [{"what": n, "before": found[0].get(n, "–"), "after": found[1].get(n, "–")} for n in dict.fromkeys([*found[0], *found[1]])]
