"""The decision in five questions: what users gain, what is proved, what nobody knows yet and what knowing would cost, what was lost and why,
and what repair did."""

import math
from typing import Any

from pipeline.distributions import z_of
from pipeline.report.words import lasting, listed, number, points

Row = dict[str, Any]
ALPHA, POWER = 0.05, 0.8
MOST_ALIKE = 2  # sentences on what lost answers have in common; the others stand with the items


def of(facts: Row, pace: float | None) -> list[Row]:
    """question and answers (sentences), in the page's order. pace: seconds that this suite took for an item, where that is known."""
    table = facts["references"][0]
    found = [
        {"question": "What changes for users", "answers": users(facts)},
        {"question": "What is proved", "answers": proved(facts)},
        {"question": "What is not known", "answers": unknown(facts, table, pace)},
        {"question": "What was lost, and why", "answers": lost(facts, table)},
    ]
    return found + ([{"question": "What repair did", "answers": mended(facts)}] if facts["repair"] or facts["verdict"] == "block" else [])


def users(facts: Row) -> list[str]:
    """Right answers to held-out questions of the tasks that were taught, before and after."""
    told = []
    for row in facts["targets"]["rows"]:
        if row["name"] in facts["targets"]["trained_on"]:
            continue
        before, after = row.get("before"), row.get("after")
        if before is None or after is None or not row.get("n"):
            told.append(f"{row['name']} was taught and could not be measured.")
            continue
        held = f"{number(row['n'])} questions of users it never learnt from"
        theirs = ", which this lesson does not teach" if row.get("rule") == "kept" else ""
        told.append(f"{row['name']}{theirs}: {before:.0%} right with the champion, {after:.0%} with this model, on {held}.")
    return told or ["Nothing that was measured: no taught task has held-out questions."]


def proved(facts: Row) -> list[str]:
    """Gains and losses beyond chance, and losses shown to be small."""
    told = []
    better = [r["name"] for r in facts["targets"]["rows"] if r.get("rule") == "superior" and r.get("decision") == "promote"]
    better = [name for name in better if name not in facts["targets"]["trained_on"]]
    if better:
        told.append(f"A gain: {listed(better)}.")
    for table in facts["references"]:
        fallen = [f"{r['name']} ({points(-r['drop'], sign=True)} points)" for r in _rows(table) if r["decision"] == "block"]
        if fallen:
            told.append(f"A loss against the {table['name']}: {listed(fallen)}.")
    worse = [f"{r['name']} ({points(-r['drop'], sign=True)} points)" for r in facts["targets"]["rows"] if r.get("decision") == "block"]
    if worse:
        told.append(f"A loss on users' own questions: {listed(worse)}.")
    kept = [r for r in facts["references"][0]["rows"] if r["decision"] == "promote"]
    if kept:
        most = max(r["interval"][1] for r in kept)
        told.append(f"{len(kept)} of {len(facts['references'][0]['rows'])} abilities lose less than {points(most)} points, if anything.")
    return told or ["Nothing: no gain and no loss is beyond chance, and no loss is shown to be small."]


def unknown(facts: Row, table: Row, pace: float | None) -> list[str]:
    """What was neither shown nor excluded, how large a loss may hide inside a margin, and what it would take to know."""
    told = []
    for row in [r for r in table["rows"] if r["decision"] == "hold" and not r["report_only"]]:
        if not row.get("n") or not row.get("interval"):
            told.append(f"{row['name']}: it was not measured.")
            continue
        wanted = needed(row, row["margin"])
        cost = f" About {number(wanted)} items would tell{_time(wanted - row['n'], pace)}." if wanted else ""
        told.append(f"{row['name']} may have lost up to {points(row['interval'][1])} points; {points(row['margin'])} are allowed.{cost}")
    small = [r for r in table["rows"] if r.get("n") and r["decision"] == "promote" and r["interval"][1] > 0]
    if small:
        widest = max(small, key=lambda r: r["interval"][1])
        items = 4 * widest["n"]  # half the width of an interval takes four times the items
        cost = f"half that doubt would take about {number(items)} items{_time(items - widest['n'], pace)}"
        told.append(f"{widest['name']} may have lost up to {points(widest['interval'][1])} points, within its margin; {cost}.")
    if told or not any(r.get("n") for r in table["rows"]):
        return told or ["Everything: no ability was measured."]
    return ["Nothing of what was measured: each loss is proved, or there is none."]


def needed(row: Row, margin: float | None) -> int | None:
    """Items to show, with 80% power, that a drop of nothing stays within the margin, at the flips seen (gate.md, section 5)."""
    flips = max((row["lost"] + row["gained"]) / row["n"], 1 / row["n"])
    if not margin:
        return None
    found = math.ceil((z_of(ALPHA) + z_of(1 - POWER)) ** 2 * flips / margin**2)
    return found if found > row["n"] else None


def _time(items: float, pace: float | None) -> str:
    return f" ({lasting(items * pace)} more for each model)" if pace and items > 0 else ""


def lost(facts: Row, table: Row) -> list[str]:
    """How many answers changed for the worse, and what they have in common."""
    counted = [r for r in table["rows"] if r.get("n")]
    if not counted:
        return ["Not known: no ability was measured."]
    gone, came = sum(r["lost"] for r in counted), sum(r["gained"] for r in counted)
    told = [f"{number(gone)} answers that were right are wrong now, {number(came)} that were wrong are right."]
    told += [f"{sentence}." for sentence in [*facts["unguarded"], *facts["alike"][:MOST_ALIKE]]]
    for row in facts["targets"]["rows"]:
        if row.get("rule") == "kept" and row.get("decision") == "block":
            told.append(f"{row['name']}: users have it from the model in service, and this lesson has no rows of it.")
    named = [a["culprit"].split(": ")[:2] for a in (facts["causes"] or {}).get("abilities", []) if a["culprit"]]
    for cause in dict.fromkeys(cause for _, cause in named):
        told.append(f"{listed([ability for ability, of in named if of == cause])}: {cause}.")
    if gone and not facts["alike"] and not named:
        told.append("The lost answers have nothing in common that the rules can name.")
    return told


def mended(facts: Row) -> list[str]:
    """What the tries came to, or that nobody tried."""
    if not facts["repair"]:
        return ["Nobody has tried to mend this candidate."]
    return [f"{facts['repair']['words']}."]


def _rows(table: Row) -> list[Row]:
    return [*table["rows"], *([table["pooled"]] if table["pooled"] else [])]
