"""A judgement as one SVG: each ability's drop with its interval, and the margin that it must stay left of. Draws with nothing but text."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from pipeline.gate.words import POOLED, points

ROW, LEFT, WIDTH, RIGHT = 26, 190, 460, 310
INK = {"promote": "#1a7f5a", "hold": "#8a6d1a", "block": "#b3261e"}
SIGN = {"promote": "●", "hold": "◐", "block": "■"}  # a verdict is told by shape and word too, not by colour alone
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def svg(judgement: Mapping[str, Any]) -> str:
    """The forest plot of compare's or gate's result; losses to the right."""
    rows = dict(judgement["abilities"]) | ({POOLED: judgement["pooled"]} if judgement.get("pooled") else {})
    shown = [v for r in rows.values() if r["drop"] is not None for v in (*r["interval"], r["margin"])]
    low, high = min([0.0, *shown]), max([0.0, *shown, 0.001])
    tall, wide = ROW * (len(rows) + 3), LEFT + WIDTH + RIGHT

    def x(value: float) -> float:
        return round(LEFT + WIDTH * (value - low) / (high - low), 1)

    body = [f'<text x="8" y="20" class="h">{SIGN[judgement["verdict"]]} {escape(judgement["verdict"])}</text>']
    step = next((s for s in STEPS if (high - low) / s <= 8), STEPS[-1])
    foot = ROW * (len(rows) + 1) + 14
    for i in range(math.ceil(low / step), math.floor(high / step) + 1):
        place, strong = x(i * step), ' class="zero"' if i == 0 else ""
        body.append(f'<line x1="{place}" y1="{ROW + 6}" x2="{place}" y2="{foot}"{strong}/>')
        body.append(f'<text x="{place}" y="{foot + 16}" text-anchor="middle" class="s">{100 * i * step:g}</text>')
    for i, (name, row) in enumerate(rows.items(), 1):
        body += _row(name, row, ROW * i + ROW, x)
    body.append(
        f'<text x="{LEFT}" y="{foot + 32}" class="s">drop in points (right of 0 is a loss), 90% interval; the bar is the margin</text>'
    )
    style = (
        "text{font:13px system-ui,sans-serif;fill:#222}.s{font-size:11px;fill:#555}.h{font-weight:600}line{stroke:#ddd}.zero{stroke:#666}"
    )
    title = f"<title>{escape(judgement['verdict'])}: drop of each ability with its interval and margin</title>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{wide}" height="{tall + 20}" viewBox="0 0 {wide} {tall + 20}">{title}'
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>{"".join(body)}</svg>\n'
    )


def _row(name: str, row: Mapping[str, Any], y: int, x: Any) -> list[str]:
    """One ability: interval, drop, margin, and the figures in words for whoever cannot see the drawing."""
    ink, said = INK[row["decision"]], f"{row['lost']} lost, {row['gained']} gained of {row['n']}"
    found = [f'<text x="8" y="{y + 4}">{escape(name if len(name) < 26 else name[:24] + "…")}</text>']
    if row["drop"] is not None:
        low, high = (x(v) for v in row["interval"])
        found += [
            f'<line x1="{low}" y1="{y}" x2="{high}" y2="{y}" style="stroke:{ink};stroke-width:3"/>',
            f'<circle cx="{x(row["drop"])}" cy="{y}" r="4.5" fill="{ink}"/>',
            f'<line x1="{x(row["margin"])}" y1="{y - 9}" x2="{x(row["margin"])}" y2="{y + 9}" style="stroke:#222;stroke-width:2"/>',
        ]
        said = f"{points(row['drop'])} pt, {said}"
    return [*found, f'<text x="{LEFT + WIDTH + 14}" y="{y + 4}" class="s">{SIGN[row["decision"]]} {row["decision"]}: {said}</text>']
