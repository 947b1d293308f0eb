"""`equipoise evaluate --rows PAIRS`: how well the model in service and the origin know each row already, with its question and without.

The loss of a row is the mean negative log-likelihood of its answer's tokens, in nats. Its ratio to the loss of the same answer without the
question is what the question is worth (instruction-following difficulty, IFD, arXiv 2308.12032): near 1 the question does not help, and
above 1 the two do not belong together. Rows that state a fact are asked of the origin in several ways (facts.py). `mix` chooses rows by these
figures where they were sealed.
"""

import shutil
from pathlib import Path
from typing import Any

from pipeline import lineage, service
from pipeline import recipe as recipes
from pipeline.evaluate import facts, items
from pipeline.evaluate.questions import Questions
from pipeline.evaluate.reading import Encoded, Reader
from pipeline.recipe import Recipe
from pipeline.settings import Settings
from pipeline.sieve import KNOWN

VERSION = 2  # raise it when the same rows should get other figures

Row = dict[str, Any]
KINDS = ("sft", "dpo")
COLUMNS = {
    "example_id": "string",
    "kind": "string",
    "task": "string",
    "who": "string",
    "tokens": "int64",
    "loss": "float64",
    "alone": "float64",
    "ifd": "float64",
    "rejected": "float64",
    "knows": "float64",
}
"""`knows`: of a row that states a fact, the share of ways of asking in which the origin knew it."""


def run(pairs: str, recipe: Recipe, settings: Settings) -> Row:
    """Seal the figures of one pairs folder under the champion and the origin. Running it twice changes nothing; a killed run goes on."""
    import pyarrow.parquet as pq

    lineage.require(settings, pairs, "pairs")
    champion = service.champion(settings)
    models = {"champion": champion, "origin": "origin"}
    asking = Questions(settings, champion, recipe)
    weights = {who: asking.weights(model) for who, model in models.items()}
    cards = recipes.cards(settings, recipe)
    formats = {name: card.answer.format for name, card in sorted(cards.items())}
    id = lineage.name("scores", lineage.day_of(pairs), "rows", VERSION, pairs, weights, asking.machine, formats)
    parents = [pairs, *([] if champion == "origin" else [champion])]
    with lineage.making(settings, id, parents=parents, recipe=recipe.model_dump(mode="json")) as work:
        if work is not None:
            found = _read(lineage.folder(settings, pairs))
            stated = [fact for row in found if (fact := facts.stated(row, cards.get(row["task"])))]
            table = []
            for model in dict.fromkeys(models.values()):
                reader = Reader(settings, model, recipe.evaluation, lineage.scratch(settings, id) / model)
                figures = _figures(reader, found)
                knows = facts.known(reader, stated) if model == "origin" else {}
                reader.close()
                for who in (w for w, m in models.items() if m == model):
                    table += [row | {"who": who, "knows": knows.get(row["example_id"]) if who == "origin" else None} for row in figures]
            table.sort(key=lambda r: r["who"])
            pq.write_table(items.table(table, COLUMNS), work.folder / "rows.parquet", compression="zstd")
            work.counts |= _counts(table, len(found))
            work.extra |= {"rows": pairs, "model": None, "models": models, "settings": asking.machine}
    shutil.rmtree(lineage.scratch(settings, id))  # sealed: what helped to resume is not needed, and says what somebody's rows were
    return {"id": id, "rows": pairs, "models": models} | lineage.manifest(settings, id)["counts"]


def _counts(table: list[Row], rows: int) -> dict[str, int]:
    probed = [r["knows"] for r in table if r["knows"] is not None]
    return {
        "rows": rows,
        "unmeasured": sum(r["loss"] is None for r in table if r["who"] == "champion"),
        "facts": len(probed),
        "knowledge_lacking": sum(k < KNOWN for k in probed),
    }


def _read(folder: Path) -> list[Row]:
    """The rows that hold an answer to learn; a vote on one answer has nothing to compare it with."""
    import pyarrow.parquet as pq

    tables = {kind: folder / f"{kind}.parquet" for kind in KINDS}
    read = {kind: pq.read_table(path).to_pylist() for kind, path in tables.items() if path.exists()}
    return [row | {"kind": kind} for kind, rows in read.items() for row in rows]


def _figures(reader: Reader, rows: list[Row]) -> list[Row]:
    """One model's losses of every row."""
    wanted = [_asked(row, reader) for row in rows]
    distinct = [e for asked in wanted for e in asked.values() if e]
    known = reader.losses(distinct, "answers") if distinct else {}
    return [_row(row, asked, known) for row, asked in zip(rows, wanted, strict=True)]


def _asked(row: Row, reader: Reader) -> dict[str, Encoded | None]:
    if row["kind"] == "sft":
        prompt, answers = row["messages"][:-1], {"loss": row["messages"][-1:]}
    else:
        prompt, answers = row["prompt"], {"loss": row["chosen"], "rejected": row["rejected"]}
    found = {name: reader.encoded(prompt, answer) for name, answer in answers.items()}
    return found | {"alone": reader.encoded(facts.SILENT, answers["loss"])}


def _row(row: Row, asked: dict[str, Encoded | None], known: dict[Encoded, float | None]) -> Row:
    losses = {name: known[e] if e else None for name, e in asked.items()}
    loss, alone, answer = losses["loss"], losses["alone"], asked["loss"]
    ifd = loss / alone if loss is not None and alone else None
    head = {k: row[k] for k in ("example_id", "kind", "task")} | {"tokens": len(answer[1]) if answer else None}
    return head | {"loss": loss, "alone": alone, "ifd": ifd, "rejected": losses.get("rejected")}
