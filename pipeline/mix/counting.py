"""Counts: rows, passes and tokens of every task, exactly as the files hold them."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.mix import believed
from pipeline.mix.select import label

if TYPE_CHECKING:
    from pipeline.mix.explain import Facts

Row = dict[str, Any]


def counts(files: dict[str, list[Row]], dropped: list[tuple[str, Row, str]], facts: "Facts") -> dict[str, Any]:
    """The contents of counts.json."""
    epochs = facts.values["epochs"]["value"]
    sft = files["sft"]
    main = Counter(r["part"] for r in sft if r["phase"] == "main")
    domain = main["domain"] + main["replay"]
    return {
        "method": facts.routing.method.method,
        "why": facts.routing.method.why,
        "epochs": {"main": epochs, "key": 1},
        "tasks": {task: of_rows(group, epochs) | _labels(group, facts, task) for task, group in grouped(sft).items()},
        "total": of_rows(sft, epochs),
        "ratio": {
            "wanted": facts.recipe.mixing.ratio,
            "reached": round(main["general"] / domain, 4) if domain else None,
            "general": main["general"],
            "domain": domain,
            "pool": facts.share.pool,
            "most_passes_of_a_row": facts.share.most,
            "shortfall": facts.share.shortfall,
        },
        "key": {"tasks": list(facts.extra.tasks), "beside": {t: asdict(b) for t, b in facts.extra.beside.items()}},
        "replay": {t: asdict(b) for t, b in facts.beside.items()},
        "dpo": dict(sorted(Counter(r["task"] for r in files["dpo"]).items())),
        "kto": dict(sorted(Counter(r["task"] for r in files["kto"]).items())),
        "voices": believed.counts(files),
        "dropped": dict(sorted(Counter(reason for _, _, reason in dropped).items())),
    }


def grouped(rows: list[Row]) -> dict[str, list[Row]]:
    tasks: dict[str, list[Row]] = {}
    for row in rows:
        tasks.setdefault(row["task"], []).append(row)
    return dict(sorted(tasks.items()))


def of_rows(rows: list[Row], epochs: int) -> dict[str, Any]:
    """`passes` and `tokens` count the rows of sft.parquet as it stands; `trained_…` count every epoch of the main phase."""
    main = [r for r in rows if r["phase"] == "main"]
    key = [r for r in rows if r["phase"] == "key"]
    return {
        "rows": len({r["example_id"] for r in rows}),
        "passes": len(rows),
        "main": len(main),
        "key": len(key),
        "tokens": sum(r["tokens"] for r in rows),
        "answer_tokens": sum(r["answer_tokens"] for r in rows),
        "trained_passes": epochs * len(main) + len(key),
        "trained_tokens": epochs * sum(r["tokens"] for r in main) + sum(r["tokens"] for r in key),
        "parts": dict(sorted(Counter(r["part"] for r in rows).items())),
    }


def _labels(rows: list[Row], facts: "Facts", task: str) -> dict[str, Any]:
    """Distinct rows of each label, for a task of labels."""
    card = facts.cards.get(task)
    if card is None or card.answer.format != "label":
        return {}
    return {"labels": dict(sorted(Counter(label(r) for r in {r["example_id"]: r for r in rows}.values()).items()))}
