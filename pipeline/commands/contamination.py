"""What a lesson and the gate have in common, both ways: rows that repeat items, and items that stand in rows."""

import argparse
from typing import Any

from pipeline import benchmarks, lineage
from pipeline.benchmarks import Asked
from pipeline.errors import BadInput
from pipeline.ngrams import words
from pipeline.overlap import COVER, Hit, Items
from pipeline.recipe import Recipe
from pipeline.settings import Settings

Row = dict[str, Any]
TABLES = ("sft", "dpo", "kto")
SHOWN = 20  # of each list, for a person; --json has all


def command(args: argparse.Namespace, settings: Settings) -> Row:
    kind = lineage.kind_of(args.id)
    if kind not in ("pairs", "mix"):
        raise BadInput(f"{args.id} is of kind {kind}: contamination looks at a pairs-… or a mix-… id, where the rows are")
    lesson = Recipe.model_validate(lineage.require(settings, args.id, kind)["recipe"])
    asked = benchmarks.asked(settings, lesson, args.suite)
    found = compared(rows(settings, args.id), asked)
    found = {"id": args.id, "suites": args.suite or lesson.evaluation.suites, "items": len(asked.texts), **found, "unread": asked.unread}
    return found | {"text": text(found)}


def rows(settings: Settings, id: str) -> list[Row]:
    """Every row that would be trained on: its id, task, pass and words. A row of several passes is one row."""
    import pyarrow.parquet as pq

    found: dict[tuple[str, str], Row] = {}
    for table in TABLES:
        path = lineage.folder(settings, id) / f"{table}.parquet"
        for row in pq.read_table(path).to_pylist() if path.exists() else []:
            messages = [
                m for c in ("messages", "prompt", "chosen", "rejected", "completion") for m in row.get(c) or [] if m["role"] != "system"
            ]
            asked = [m for m in row.get("prompt") or row["messages"][:-1] if m["role"] == "user"]
            facts = {"example_id": str(row["example_id"]), "task": row["task"], "table": table}
            said = {"last": str(asked[-1]["content"] or "") if asked else "", "text": "\n".join(str(m["content"] or "") for m in messages)}
            found.setdefault((table, facts["example_id"]), facts | said)
    return list(found.values())


def compared(rows: list[Row], asked: Asked) -> Row:
    """Rows that hold an item's n-grams and items of which n-grams stand in rows, the fullest first."""
    items = Items.of(asked.texts, short=True)
    said = words([r["text"] for r in rows])
    hits = [*items.hits(said), *items.same(words([r["last"] for r in rows]))]
    everywhere = items.covered([said])
    touched = {hit.item for hit in hits}
    by_row, by_item = _fullest(hits, "text"), _fullest(hits, "item")
    told = [_told(rows[hit.text], asked.names[hit.item], hit.cover) for hit in by_row]
    there = [
        {
            "item": asked.names[hit.item],
            "cover": round(max(hit.cover, float(everywhere[hit.item])), 4),
            "rows": len({h.text for h in hits if h.item == hit.item}),
            "fullest": rows[hit.text]["example_id"],
        }
        for hit in by_item
    ]
    return {
        "rows": len(rows),
        "rows_touching": told,
        "items_touched": sorted(there, key=lambda i: (-i["cover"], i["item"])),
        "rows_over": sum(r["cover"] >= COVER for r in told),
        "items_over": sum(i["cover"] >= COVER for i in there),
        "untouched": len(asked.texts) - len(touched),
    }


def _told(row: Row, item: str, cover: float) -> Row:
    return {name: row[name] for name in ("example_id", "task", "table")} | {"item": item, "cover": round(cover, 4)}


def _fullest(hits: list[Hit], of: str) -> list[Hit]:
    """The fullest hit of each text, or of each item; the fullest of all first."""
    best: dict[int, Hit] = {}
    for hit in sorted(hits, key=lambda h: (-h.cover, h.text, h.item)):
        best.setdefault(getattr(hit, of), hit)
    return list(best.values())


def text(found: Row) -> str:
    lines = [
        f"{found['id']}: {found['rows']} rows, {found['items']} items of {', '.join(['the held-out files', *found['suites']])}",
        f"{found['rows_over']:>8} rows repeat half of an item or more ({len(found['rows_touching'])} hold some of one)",
    ]
    lines += [
        f"         {r['cover']:7.0%} {r['table']} {r['example_id']} ({r['task']}): {r['item']}" for r in found["rows_touching"][:SHOWN]
    ]
    lines += [f"{found['items_over']:>8} items stand in the rows by half or more ({len(found['items_touched'])} by some of their words)"]
    lines += [f"         {i['cover']:7.0%} {i['item']} in {i['rows']} rows" for i in found["items_touched"][:SHOWN]]
    if max(len(found["rows_touching"]), len(found["items_touched"])) > SHOWN:
        lines.append(f"         the first {SHOWN} of each are shown; --json has all")
    lines += [f"         not looked for: {name}: {why}" for name, why in sorted(found["unread"].items())]
    return "\n".join(lines)
