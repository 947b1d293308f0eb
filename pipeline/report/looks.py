"""How far a candidate was asked, where its lesson stops asking once the verdict is settled."""

from typing import Any

Row = dict[str, Any]


def of(verdict: Row, scores: Row) -> Row | None:
    """What stopping early spared, in words; None for a candidate that was asked everything."""
    sampled = scores.get("sampling")
    if not sampled:
        return None
    looks, asked, planned = sampled["looks"], sampled["asked"], sampled["planned"]
    rows = [
        {"name": name, "look": row.get("look", looks), "n": row["n"], "of": row.get("of", row["n"])}
        for name, row in (verdict.get("abilities") or {}).items()
    ]
    if looks == 1:
        words = f"{asked} items were asked, drawn at random for this candidate."
    else:
        words = (
            f"The items were asked in {looks} batches in a random order; {asked} of {planned} were needed until the verdict was settled."
        )
        words += " Each row is as it stood when it was settled. Intervals and p pay for every batch, so they may be read wherever the asking stopped."
    if any((row.get("strata") or 1) > 1 for row in (verdict.get("abilities") or {}).values()):
        words += " Items that earlier candidates moved were asked oftener and weigh as much less."
    return {"sentence": words, "looks": looks, "asked": asked, "planned": planned, "rows": rows}


def alike(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The references' answers to what the candidate was asked; beside those of other items a mean would compare two different tests."""
    key = ("benchmark", "doc_hash", "prompt_hash")
    asked = {tuple(r[k] for k in key) for r in tables.get("candidate", ())}
    return {who: [r for r in rows if r.get("kind") != "suite" or tuple(r[k] for k in key) in asked] for who, rows in tables.items()}
