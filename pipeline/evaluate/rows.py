"""`equipoise evaluate --rows PAIRS`: how well the model in service and the origin know each row already, with its question and without.

The loss of a row is the mean negative log-likelihood of its answer's tokens, in nats. Its ratio to the loss of the same answer without the
question is what the question is worth (instruction-following difficulty, IFD, arXiv 2308.12032): near 1 the question does not help, and
above 1 the two do not belong together. `mix` chooses rows by these figures where they were sealed.
"""

from pathlib import Path
from typing import Any

from pipeline import chat, lineage, service
from pipeline.evaluate import items, scorer
from pipeline.evaluate.questions import Questions
from pipeline.progress import say, track
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 1  # raise it when the same rows should get other losses

Row = dict[str, Any]
Encoded = tuple[list[int], list[int]]
"""Tokens of what is read, tokens of what is predicted."""
KINDS = ("sft", "dpo")
SILENT = [{"role": "user", "content": ""}]
"""What stands in the place of a question that was left out: the turns stay, their text does not."""
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
}


def run(pairs: str, recipe: Recipe, settings: Settings) -> Row:
    """Seal the losses of one pairs folder under the champion and the origin. Running it twice changes nothing."""
    import pyarrow.parquet as pq

    lineage.require(settings, pairs, "pairs")
    champion = service.champion(settings)
    models = {"champion": champion, "origin": "origin"}
    asking = Questions(settings, champion, recipe)
    weights = {who: asking.weights(model) for who, model in models.items()}
    id = lineage.name("scores", lineage.day_of(pairs), "rows", VERSION, pairs, weights, asking.machine)
    parents = [pairs, *([] if champion == "origin" else [champion])]
    with lineage.making(settings, id, parents=parents, recipe=recipe.model_dump(mode="json")) as work:
        if work is not None:
            found = _read(lineage.folder(settings, pairs))
            losses = {model: _losses(settings, model, recipe, found) for model in dict.fromkeys(models.values())}
            table = [row | {"who": who} for who, model in models.items() for row in losses[model]]
            pq.write_table(items.table(table, COLUMNS), work.folder / "rows.parquet", compression="zstd")
            work.counts |= {"rows": len(found), "unmeasured": sum(r["loss"] is None for r in table if r["who"] == "champion")}
            work.extra |= {"rows": pairs, "model": None, "models": models, "settings": asking.machine}
    return {"id": id, "rows": pairs, "models": models} | lineage.manifest(settings, id)["counts"]


def _read(folder: Path) -> list[Row]:
    """The rows that hold an answer to learn; a vote on one answer has nothing to compare it with."""
    import pyarrow.parquet as pq

    tables = {kind: folder / f"{kind}.parquet" for kind in KINDS}
    read = {kind: pq.read_table(path).to_pylist() for kind, path in tables.items() if path.exists()}
    return [row | {"kind": kind} for kind, rows in read.items() for row in rows]


def _losses(settings: Settings, model: str, recipe: Recipe, rows: list[Row]) -> list[Row]:
    answerer = scorer.Answerer(settings, model, recipe.evaluation)
    render, tokenizer = chat.template(scorer.vocabulary(settings, model)), chat.tokens(scorer.vocabulary(settings, model))
    wanted = [_asked(row, render, tokenizer) for row in rows]
    distinct = list(dict.fromkeys(_key(e) for asked in wanted for e in asked.values() if e))
    say(f"{model}: {len(rows)} rows, {len(distinct)} answers to read")
    known: dict[tuple, float | None] = {}
    if distinct:
        harness = answerer.lm
        parts = _parts(distinct, recipe.evaluation.batch_size)
        for part in track(parts, f"{model}: batches of answers", len(parts)):
            known |= _read_by(harness, part)
    answerer.close()
    return [_row(row, asked, known) for row, asked in zip(rows, wanted, strict=True)]


def _asked(row: Row, render: chat.Template, tokenizer: Any) -> dict[str, Encoded | None]:
    if row["kind"] == "sft":
        prompt, answers = row["messages"][:-1], {"loss": row["messages"][-1:]}
    else:
        prompt, answers = row["prompt"], {"loss": row["chosen"], "rejected": row["rejected"]}
    found = {name: _encoded(prompt, answer, render, tokenizer) for name, answer in answers.items()}
    return found | {"alone": _encoded(SILENT, answers["loss"], render, tokenizer)}


def _encoded(prompt: list[Row], answer: list[Row], render: chat.Template, tokenizer: Any) -> Encoded | None:
    """None where the template rewrites the prompt once an answer follows: then no text is the answer's alone."""
    asked = render.text(chat.clean(prompt), add_generation_prompt=True)
    whole = render.text(chat.clean([*prompt, *answer])).rstrip("\n")
    if not whole.startswith(asked) or len(whole) == len(asked):
        return None
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in (asked, whole[len(asked) :])]
    return ids[0], ids[1]


def _key(encoded: Encoded) -> tuple:
    return tuple(encoded[0]), tuple(encoded[1])


def _parts(distinct: list[tuple], batch: int) -> list[list[tuple]]:
    """The longest first: whoever runs out of memory does so at once."""
    ordered = sorted(distinct, key=lambda e: (-len(e[0]) - len(e[1]), e))
    return [ordered[at : at + batch] for at in range(0, len(ordered), batch)]


def _read_by(harness: Any, part: list[tuple]) -> dict[tuple, float | None]:
    """Nats a token; None for what is longer than the model reads."""
    fits = [e for e in part if len(e[0]) + len(e[1]) <= harness.max_length]
    answers = harness._loglikelihood_tokens([(("", ""), list(a), list(b)) for a, b in fits], disable_tqdm=True)
    return dict.fromkeys(part) | {e: -found[0] / len(e[1]) for e, found in zip(fits, answers, strict=True)}


def _row(row: Row, asked: dict[str, Encoded | None], known: dict[tuple, float | None]) -> Row:
    losses = {name: known[_key(e)] if e else None for name, e in asked.items()}
    loss, alone, answer = losses["loss"], losses["alone"], asked["loss"]
    ifd = loss / alone if loss is not None and alone else None
    head = {k: row[k] for k in ("example_id", "kind", "task")} | {"tokens": len(answer[1]) if answer else None}
    return head | {"loss": loss, "alone": alone, "ifd": ifd, "rejected": losses.get("rejected")}
