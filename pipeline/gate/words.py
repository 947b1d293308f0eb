"""A verdict in words: sentences and tables that a person can decide from."""

from collections.abc import Mapping
from typing import Any

from pipeline.gate.power import items_at_least

Row = Mapping[str, Any]
POOLED = "all items"


def points(value: float) -> str:
    """A fraction as points: .012 is 1.2 points, and tiny values keep a digit that says something."""
    return f"{100 * value:.2f}" if abs(value) < 0.01 else f"{100 * value:.1f}"


def p_words(p: float) -> str:
    return f"{p:.1e}" if 0 < p < 0.0001 else f"{p:.4f}"


def counts(row: Row) -> str:
    change = "a drop" if row["drop"] > 0 else "a gain" if row["drop"] < 0 else "no change"
    size = f" of {points(abs(row['drop']))} points" if row["drop"] else ""
    return f"{row['lost']} lost and {row['gained']} gained of {row['n']} items, {change}{size}"


def reach(row: Row) -> str:
    low, high = row["interval"]
    return f"{points(low)} to {points(high)} points"


def blocked(name: str, row: Row, level: float) -> str:
    small = row["interval"][1] < row["margin"]
    limit = "shown small, yet the recipe is strict" if small else f"not shown to be below the margin of {points(row['margin'])} points"
    return f"block: {name}: {counts(row)}; the drop is proved (adjusted p {p_words(row['adjusted_p'])}, limit {level:.2g}) and {limit} (interval {reach(row)})"


def held(name: str, row: Row, alpha: float) -> str:
    least = items_at_least(row["margin"], alpha)
    if row["n"] < least:
        return f"hold: {name}: {row['n']} items can never show a drop below {points(row['margin'])} points, it takes {least} even if no answer changes ({counts(row)})"
    return f"hold: {name}: {counts(row)}; the drop may be as large as {points(row['interval'][1])} points, the margin is {points(row['margin'])}"


def excused(name: str, row: Row) -> str:
    return f"{name} is report-only and cannot certify: {counts(row)}, interval {reach(row)}, margin {points(row['margin'])}"


def stopped(name: str, row: Row, looks: int) -> str:
    """A row that was settled at one of several looks; its p pays for all of them."""
    where = f"at look {row['look']} of {looks}, {row['n']} of {row['of']} items asked"
    if row["collapsed"]:
        return f"block: {name}: a collapse, {where}: {counts(row)}; a bet on it has paid {1 / row['p']:.0f} to one"
    if row["decision"] == "block":
        return f"block: {name}: {where}: {counts(row)}; the drop is proved (adjusted p {p_words(row['adjusted_p'])} over all looks; interval {reach(row)})"
    if row["decision"] == "promote":
        return f"{name}: {where}: {counts(row)}; shown below {points(row['margin'])} points (interval {reach(row)})"
    return f"hold: {name}: {where}: {counts(row)}; the drop may be as large as {points(row['interval'][1])} points, the margin is {points(row['margin'])}"


def proved_small(name: str, row: Row) -> str:
    return f"{name}: a drop is proved (adjusted p {p_words(row['adjusted_p'])}) and shown to be small: below {points(row['interval'][1])} points, the margin is {points(row['margin'])}"


def promoted(abilities: int, pooled: bool) -> str:
    who = "the one ability is" if abilities == 1 else f"each of {abilities} abilities is"
    return f"promote: {who} shown to lose less than its margin{', and so are all items together' if pooled else ''}"


def table(judgement: Mapping[str, Any]) -> str:
    """One line an ability, for a terminal."""
    rows = dict(judgement["abilities"])
    if judgement["pooled"]:
        rows[POOLED] = judgement["pooled"]
    width = max([7, *(len(name) for name in rows)])
    head = f"{'ability':<{width}}  {'n':>6} {'lost':>5} {'gained':>6} {'drop':>7} {'interval':>17} {'adj. p':>8} {'margin':>7} {'can see':>8}  decision"
    return "\n".join([head, *(line(name, row, width) for name, row in rows.items())])


def line(name: str, row: Row, width: int) -> str:
    drop = "-" if row["drop"] is None else points(row["drop"])
    low, high = map(points, row["interval"])
    note = " (report-only)" if row["report_only"] else ""
    return (
        f"{name:<{width}}  {row['n']:>6} {row['lost']:>5} {row['gained']:>6} {drop:>7} {low:>7} .. {high:>6} {p_words(row['adjusted_p']):>8}"
        f" {points(row['margin']):>7} {points(row['smallest_detectable_drop']):>8}  {row['decision']}{note}"
    )


def targets(rows: Mapping[str, Row]) -> list[str]:
    """One line a target task: what the lesson was for."""
    return [f"target {n}: {r['decision']} ({r['rule']}): {counts(r)}, p of a gain {p_words(r['adjusted_p'])}" for n, r in rows.items()]


def page(judgement: Mapping[str, Any]) -> str:
    """The whole judgement as text: the verdict first, then the table, then why."""
    unpaired = judgement["unpaired"]
    notes = [f"only in A: {unpaired['only_a']} items, only in B: {unpaired['only_b']} items"] if any(unpaired.values()) else []
    notes += [f"warning: {w}" for w in judgement.get("warnings", [])]
    if "budget" in judgement:
        worst, ever = judgement["budget"]["worst_case_a_day"], judgement["budget"]["alpha"]
        notes.append(
            f"had nothing changed, today's tests would block with probability {100 * worst:.2f}% at most ({100 * ever:.2f}% of it against the origin)"
        )
    below = targets(judgement.get("targets", {}))
    lines = [judgement["verdict"].upper(), "", table(judgement), *below, "", *judgement["reasons"], *notes]
    return "\n".join(lines) + "\n(drop, interval, margin and `can see` are in points of 0.01; a positive drop is a loss)"


def markdown(judgement: Mapping[str, Any]) -> str:
    """The same for a pull request: a heading, a table and the reasons. Names and reasons are text, whatever signs they hold."""
    rows = dict(judgement["abilities"]) | ({POOLED: judgement["pooled"]} if judgement["pooled"] else {})
    lines = [
        f"### {judgement['verdict']}",
        "",
        "| ability | n | lost | gained | drop, pt | 90% interval, pt | adj. p | margin, pt | can see, pt | decision |",
    ]
    lines.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|---|")
    for name, row in rows.items():
        drop = "" if row["drop"] is None else points(row["drop"])
        note = " (report-only)" if row["report_only"] else ""
        cells = [
            _cell(name),
            row["n"],
            row["lost"],
            row["gained"],
            drop,
            " .. ".join(map(points, row["interval"])),
            p_words(row["adjusted_p"]),
        ]
        cells += [points(row["margin"]), points(row["smallest_detectable_drop"]), f"**{row['decision']}**{note}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    notes = [f"warning: {w}" for w in judgement.get("warnings", [])]
    return "\n".join([*lines, "", *(f"- {_cell(r)}" for r in [*judgement["reasons"], *notes])])


def _cell(text: str) -> str:
    """Text that no Markdown reader takes for a column, markup or a link."""
    flat = " ".join(str(text).split())
    return "".join(f"\\{sign}" if sign in "|\\`*_[]<>#" else sign for sign in flat)
