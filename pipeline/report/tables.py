"""The verdict's tables as a reader needs them: worst first, on one scale, with what the suite cannot see said in points."""

import math
from collections.abc import Collection
from typing import Any

from pipeline.report.charts import Scale, forest, numbers
from pipeline.report.words import chance, listed, points

Row = dict[str, Any]
BLANK: Row = dict.fromkeys(("n", "lost", "gained", "drop", "interval", "p", "adjusted_p", "margin", "smallest_detectable_drop"))
BLANK |= {"decision": "hold", "report_only": False, "rule": None}  # what is missing is never a pass
ORDER = {"block": 0, "hold": 1, "promote": 2}


def references(verdict: Row, levels: list[Row]) -> list[Row]:
    """Champion's table and origin's, on one scale; one table where the champion is the origin under equal margins."""
    origin = verdict.get("origin") or {}
    said = verdict.get("tables") or {}
    tables = [_table("champion", verdict["champion"], verdict, said.get("champion"))]
    if origin and not (verdict["champion"] == "origin" and origin.get("abilities") == verdict.get("abilities")):
        tables.append(_table("origin", "origin", origin, said.get("origin")))
    scale = Scale([n for t in tables for r in [*t["rows"], *filter(None, [t["pooled"]])] for n in numbers(r)])
    for table in tables:
        table["rows"] = [r | _levels(r["name"], table["name"], levels) for r in forest(table["rows"], scale)]
        table["pooled"] = forest([table["pooled"]], scale)[0] if table["pooled"] else None
        table["ticks"] = scale.ticks()
    return tables


def _table(name: str, id: str, found: Row, said: str | None) -> Row:
    rows = [BLANK | _measured(row) | {"name": ability} for ability, row in (found.get("abilities") or {}).items()]
    rows.sort(key=lambda r: (ORDER.get(str(r.get("decision")), 1), -(r.get("drop") or 0)))
    pooled = found.get("pooled")
    drops = [r["drop"] for r in rows if isinstance(r.get("drop"), int | float)]
    return {
        "name": name,
        "id": id,
        "decision": said or decision(found),
        "rows": rows,
        "pooled": BLANK | pooled | {"name": "all items together"} if pooled else None,
        "mean_drop": sum(drops) / len(drops) if drops else None,
        "unpaired": found.get("unpaired") or {},
        "reasons": found.get("reasons") or [],
    }


def _measured(row: Row) -> Row:
    """A row without items has no interval to draw: the gate writes the widest there is."""
    return row if row.get("n") else row | {"interval": None, "smallest_detectable_drop": None}


def decision(found: Row) -> str:
    """A reference's own decision, worked out from its rows: at the top of verdict.json stands the worst of everything."""
    rows = [*(found.get("abilities") or {}).values(), *filter(None, [found.get("pooled")])]
    counted = [r.get("decision", "hold") for r in rows if not (r.get("report_only") and r.get("decision") == "hold")]
    return worst(counted) if counted else "hold"


def worst(decisions: list[str]) -> str:
    return min(decisions, key=lambda d: ORDER.get(d, 1))


def _levels(ability: str, reference: str, levels: list[Row]) -> Row:
    """The scores behind a drop: of the reference, and of the candidate."""
    found = next((row for row in levels if row["ability"] == ability), {})
    return {"before": found.get(reference), "after": found.get("candidate")}


def blind(verdict: Row) -> Row:
    """What this suite cannot see: drops below these would go unnoticed with the usual power of 80%."""
    rows = {name: row.get("smallest_detectable_drop") for name, row in (verdict.get("abilities") or {}).items()}
    seen = {name: d for name, d in rows.items() if isinstance(d, int | float) and math.isfinite(d)}
    pooled = (verdict.get("pooled") or {}).get("smallest_detectable_drop")
    if not seen and pooled is None:
        return {"points": None, "sentence": "How small a drop this suite could see is not known: no ability was measured.", "abilities": {}}
    low, high = (min(seen.values()), max(seen.values())) if seen else (None, None)
    least = min(x for x in (pooled, low) if x is not None)
    words = f"This suite cannot see less than {points(least)} points"
    if pooled is not None and low is not None and least == pooled:
        words += " over all items together"
        span = points(low) if points(low) == points(high) else f"{points(low)} to {points(high)}"
        words += f", and nothing below {span} points in a single ability"
    elif high is not None and points(high) != points(least):
        words += f" in its best-measured ability, and nothing below {points(high)} points in its worst"
    return {"points": round(100 * least, 2), "sentence": f"{words}. A smaller loss could pass unseen.", "abilities": seen}


def feasibility(verdict: Row) -> Row:
    """Chance that a model which changed nothing would be promoted, as the gate worked it out before anything was evaluated."""
    found = verdict.get("feasibility") or {}
    value = next((found[k] for k in ("chance", "chance_unchanged_passes", "probability") if isinstance(found.get(k), int | float)), None)
    if value is None:
        return {"chance": None, "sentence": "The gate did not say how likely an unchanged model is to pass."}
    low = " Below one half: expect to be asked often, or measure more items." if value < 0.5 else ""
    return {"chance": value, "sentence": f"A model that changed nothing would pass these margins with probability {chance(value)}.{low}"}


def targets(verdict: Row, levels: list[Row], trained_on: Collection[str] = ()) -> Row:
    """Target tasks with their gains; a drop below zero is what the lesson was for. Examples that were trained on are named apart."""
    found = verdict.get("targets") or {}
    rows = [
        BLANK
        | row
        | {"margin": None if row.get("rule") == "superior" else row.get("margin")}
        | ({"adjusted_p": row.get("adjusted_p_loss")} if row.get("decision") == "block" else {})
        | {"name": name, "drop": row.get("drop", _drop(row))}
        for name, row in found.items()
    ]
    scale = Scale([n for r in rows for n in numbers(r)])
    rows = [r | _levels(r["name"], "champion", levels) for r in rows]
    kept = [r["name"] for r in rows if r.get("rule") == "kept"]
    return {"rows": forest(rows, scale), "ticks": scale.ticks(5), "trained_on": sorted(set(found) & set(trained_on)), "kept": kept}


def _drop(row: Row) -> float | None:
    return (row["lost"] - row["gained"]) / row["n"] if row.get("n") else None


def headline(verdict: Row, trained_on: Collection[str] = ()) -> str:
    """The verdict in one sentence, and what follows from it. Examples that were trained on prove nothing better."""
    if verdict["verdict"] == "block":
        return f"{_fallen(verdict)} The champion stays in service."
    better = [(n, r) for n, r in (verdict.get("targets") or {}).items() if _better(r) and n not in trained_on]
    gains = listed([f"{n} (+{points((r['gained'] - r['lost']) / r['n'])} points)" for n, r in better])
    taught = f"{gains} {'is' if len(better) == 1 else 'are'} proved better" if better else ""
    if verdict["verdict"] == "promote":
        return f"Every ability is shown to stay within its margin{f', and {taught}' if taught else ''}."
    rows = [(name, row) for _, t in _both(verdict) for name, row in _rows(t)]
    waiting = list(dict.fromkeys(name for name, row in rows if row.get("decision") == "hold" and not row.get("report_only")))
    if not waiting:
        return f"{_because(verdict)}. A person decides."
    verb = "is" if len(waiting) == 1 else "are"
    return f"No loss is proved, but {listed(waiting)} {verb} not shown to stay within the margin.{f' {taught}.' if taught else ''} A person decides."


def _fallen(verdict: Row) -> str:
    """Which loss is proved, against whom, and how large."""
    fallen = [(name, who, row) for who, t in _both(verdict) for name, row in _rows(t) if row.get("decision") == "block"]
    if not fallen:
        return f"{_because(verdict)}."
    name, _, row = max(fallen, key=lambda f: f[2].get("drop") or 0)
    against = listed([f"the {who}" for n, who, _ in fallen if n == name])
    tasks = [f"the task {n}" for n, row in (verdict.get("targets") or {}).items() if row.get("decision") == "block"]
    others = listed([*dict.fromkeys(n for n, _, _ in fallen if n != name), *tasks])
    figures = f"({row.get('lost')} items lost, {row.get('gained')} gained, of {row.get('n')})"
    also = f"; so is one on {others}" if others != "none" else ""
    return f"A loss of {points(row.get('drop'))} points on {name} is proved against {against} {figures}{also}."


def _better(row: Row) -> bool:
    return bool(row.get("n")) and bool(row.get("superior", row.get("rule") == "superior" and row.get("decision") == "promote"))


def _because(verdict: Row) -> str:
    """The verdict's first reason as a sentence: the gate opens its reasons with the decision, which the page shows already."""
    reason = str((verdict.get("reasons") or ["the verdict gives no reason"])[0]).removeprefix(f"{verdict['verdict']}: ").rstrip(".")
    return reason[:1].upper() + reason[1:]


def _both(verdict: Row) -> list[tuple[str, Row]]:
    tables = [("champion", verdict), ("origin", verdict.get("origin") or {})]
    return tables[:1] if verdict["champion"] == "origin" and tables[1][1].get("abilities") == verdict.get("abilities") else tables


def _rows(table: Row) -> list[tuple[str, Row]]:
    pooled = table.get("pooled")
    return [*(table.get("abilities") or {}).items(), *([("all items together", pooled)] if pooled else [])]
