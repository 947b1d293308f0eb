"""Who decides about a report, and what that person is shown: the verdict's table as Markdown, and where the page is."""

import argparse
import json
import re
from typing import Any

from pipeline import lineage, recipe
from pipeline.promote import policy
from pipeline.settings import Settings

DECIDES = {"promote": "gate", "ask": "person", "keep": "nobody", "never": "nobody"}
NOT_PLAIN = re.compile(r"([\\`*_{}\[\]<>()#+!|~\n\r-])")  # names come from files of others: in Markdown they are text


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    return run(args.report, settings)


def run(report: str, settings: Settings) -> dict[str, Any]:
    """What Airflow's approval step shows."""
    manifest = lineage.require(settings, report, "report")
    verdict_id = str(manifest["parents"][0])
    verdict = json.loads((lineage.folder(settings, verdict_id) / "verdict.json").read_text(encoding="utf-8"))
    lesson = str(manifest["recipe"].get("name", "daily"))
    followed = recipe.load(settings, lesson)
    approval = policy.strictest(followed.approval, manifest["recipe"].get("approval"))
    step = policy.step(verdict["verdict"], approval)
    page = lineage.folder(settings, report) / "index.html"
    subject = f"{verdict['verdict'].upper()}: {verdict['candidate']} by lesson {lesson}"
    return {
        "id": report,
        "decides": DECIDES[step],
        "verdict": verdict["verdict"],
        "verdict_id": verdict_id,
        "repair": followed.repair,
        "subject": subject,
        "page": str(page),
        "markdown": markdown(verdict, str(page)),
    }


def markdown(verdict: dict[str, Any], page: str) -> str:
    """The verdict as an approver reads it: reasons, one row an ability, targets, and the place of the whole report."""
    lines = [f"**{verdict['verdict']}**: {plain(verdict['candidate'])} against {plain(verdict['champion'])}", ""]
    lines += [f"- {plain(reason)}" for reason in verdict["reasons"]]
    lines += ["", "| ability | items | lost | gained | drop, points | 90% interval | margin | |", "|---|---|---|---|---|---|---|---|"]
    rows = {**verdict["abilities"], **({"all together": verdict["pooled"]} if verdict.get("pooled") else {})}
    lines += [_row(name, row) for name, row in rows.items()]
    lines += [
        "",
        *(
            f"- target {plain(name)}: {plain(row['decision'])}, {row['gained']} gained and {row['lost']} lost of {row['n']}"
            for name, row in verdict.get("targets", {}).items()
        ),
    ]
    return "\n".join([*lines, "", f"The whole report: `{page}`"])


def _row(name: str, row: dict[str, Any]) -> str:
    low, high = (f"{100 * x:+.1f}" if x is not None else "–" for x in (row.get("interval") or (None, None)))
    drop = f"{100 * row['drop']:+.1f}" if row.get("drop") is not None else "–"
    return f"| {plain(name)} | {row['n']} | {row['lost']} | {row['gained']} | {drop} | {low} … {high} | {100 * row['margin']:.1f} | {plain(row['decision'])} |"


def plain(text: object) -> str:
    return NOT_PLAIN.sub(r"\\\1", str(text)[:300])
