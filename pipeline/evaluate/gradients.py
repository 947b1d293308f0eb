"""`equipoise evaluate --lost VERDICT`: the gradients of what a verdict lost and of the rows that the candidate was taught.

The gradient of a linear layer's weights is a sum of outer products over tokens, what comes back times what went in. Both factors are projected
by fixed random matrices before they are multiplied (as LoGra does, arXiv 2405.13954), so that one pass gives small gradients of many texts at
once, on any architecture, adapters or not. They are taken where the lesson began: where it ends, rows that were learnt have none left that
says anything (measured, evals/LOG.md).
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import beside, chat, lineage, weights
from pipeline.causes import lost, taught
from pipeline.causes.lost import Fallen
from pipeline.errors import Permanent
from pipeline.evaluate import scorer
from pipeline.evaluate.sketch import Sketch
from pipeline.progress import say, track
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 1  # raise it when the same items and rows should get other gradients
MOST_ITEMS, MOST_ROWS = 60, 64  # of an ability's lost, and of its kept; of a task: two minutes of a 135M model on two cores
LONGEST_ANSWER, LONGEST = 64, 512  # tokens: what was lost shows early, and half of a long passage says enough
TOKENS_AT_ONCE = 1024
Row = dict[str, Any]


@dataclass(frozen=True)
class Text:
    """Something whose loss has a gradient: an item's lost or kept answer, or a row's."""

    what: str
    """lost, kept or row."""
    name: str
    """The item's key, or the row's example id."""
    group: str
    """The item's ability, or the row's task."""
    parts: tuple[tuple[tuple[int, ...], tuple[int, ...], float], ...]
    """(read, predicted, sign); a preference is towards one answer and away from another."""
    conversation_id: str | None = None
    """Of a row: a gradient goes when the words go that it was made of."""

    @property
    def tokens(self) -> int:
        return sum(len(a) + len(b) for a, b, _ in self.parts)


def run(verdict: str, recipe: Recipe, settings: Settings) -> Row:
    """Seal the gradients behind one verdict. Running it twice changes nothing; after a kill it goes on from the last batch."""
    import pyarrow.parquet as pq

    manifest, facts = beside.verdict(settings, verdict)
    fallen = fallen_of(settings, facts)
    model, mix = facts["candidate"], facts.get("mix")
    if not fallen or not mix:
        raise Permanent(f"{verdict}: {'no ability fell' if mix else 'its candidate has no mix'}, so there are no gradients to compare")
    start = lineage.manifest(settings, model).get("start") or "origin"
    id = lineage.name("scores", lineage.day_of(verdict), "gradients", VERSION, verdict, mix, start, scorer.machine(recipe.evaluation))
    with lineage.making(settings, id, parents=[model, mix], recipe=manifest["recipe"]) as work:
        if work is not None:
            texts = [*of_items(settings, fallen), *of_rows(settings, mix)]
            vectors = _at(settings, start, recipe, texts, lineage.scratch(settings, id))
            pq.write_table(_table(texts, vectors), work.folder / "gradients.parquet", compression="zstd")
            work.counts |= {"texts": len(texts), "rows": sum(t.what == "row" for t in texts)}
            # `rows` says to every reader of scores that these are none: they hold no answers
            work.extra |= {"rows": mix, "gradients": verdict, "model": None, "start": start}
    shutil.rmtree(lineage.scratch(settings, id), ignore_errors=True)
    return {"id": id, "gradients": verdict} | lineage.manifest(settings, id)["counts"]


def _table(texts: list[Text], vectors: Any) -> Any:
    import pyarrow as pa

    columns = {name: pa.array([getattr(t, name) for t in texts], pa.string()) for name in ("what", "name", "group", "conversation_id")}
    return pa.table(columns | {"gradient": pa.array(list(vectors.astype("float32")), pa.list_(pa.float32()))})


def fallen_of(settings: Settings, facts: Row) -> list[Fallen]:
    """Every fallen ability with its items, from the sealed answers of both sides."""
    import pyarrow.parquet as pq

    sides = facts["scores"]
    declared = lineage.require(settings, sides["candidate"], "scores").get("abilities") or {}
    tables = {who: pq.read_table(lineage.folder(settings, id) / "items.parquet").to_pylist() for who, id in sides.items()}
    return [lost.parted(name, who, tables[who], tables["candidate"], declared) for name, who in lost.named(facts).items()]


def of_items(settings: Settings, fallen: list[Fallen]) -> Iterator[Text]:
    """The answers that the reference gave, of some lost and some kept items of every fallen ability."""
    words = chat.tokens(scorer.vocabulary(settings, "origin"))
    for ability in fallen:
        for what, items in (("lost", ability.lost), ("kept", ability.kept)):
            for item in lost.drawn(items, MOST_ITEMS):
                gap = "" if item.prompt[-1:].isspace() else " "
                asked, said = (words.encode(t, add_special_tokens=False).ids for t in (item.prompt, gap + item.before))
                if asked and said:
                    yield Text(what, item.key, ability.ability, ((tuple(asked[-LONGEST:]), tuple(said[:LONGEST_ANSWER]), 1.0),))


def of_rows(settings: Settings, mix: str) -> Iterator[Text]:
    """Some rows of every task of the mix, drawn by hash."""
    import pyarrow.parquet as pq

    origin = scorer.vocabulary(settings, "origin")
    render, words = chat.template(origin), chat.tokens(origin)
    found: dict[str, dict[str, Text]] = {}
    for kind in taught.KINDS:
        path = lineage.folder(settings, mix) / f"{kind}.parquet"
        for row in pq.read_table(path).to_pylist() if path.exists() else []:
            prompt, answer = taught.turns(row, kind)
            sides = [(answer, -1.0 if kind == "kto" and not row["label"] else 1.0)]
            sides += [(list(row["rejected"]), -1.0)] if kind == "dpo" else []
            parts = [_part(prompt, said, sign, render, words) for said, sign in sides]
            name = str(row["example_id"])
            if all(parts):
                text = Text("row", name, row["task"], tuple(p for p in parts if p), row.get("conversation_id"))
                found.setdefault(row["task"], {}).setdefault(f"{kind} {name}", text)
    for task in sorted(found):
        yield from sorted(found[task].values(), key=lambda t: hashlib.sha256(t.name.encode()).hexdigest())[:MOST_ROWS]


def _part(prompt: list[Row], answer: list[Row], sign: float, render: chat.Template, words: Any) -> tuple | None:
    texts = render.parted(prompt, answer)
    if texts is None:
        return None
    read, said = (words.encode(t, add_special_tokens=False).ids for t in texts)
    return tuple(read[-LONGEST:]), tuple(said[:LONGEST_ANSWER]), sign


def _at(settings: Settings, model: str, recipe: Recipe, texts: list[Text], folder: Path) -> Any:
    """Gradients of all texts at one model's weights: texts x size. A batch that is in the folder is not computed again."""
    import numpy as np

    parts = list(_batches(texts))
    paths = [folder / f"{_name(part)}.npy" for part in parts]
    missing = [(part, path) for part, path in zip(parts, paths, strict=True) if not path.exists()]
    if missing:
        say(f"{model}: gradients of {len(texts)} texts, {sum(len(p) for p, _ in missing)} to come")
        sketch = Sketch(weights.load(settings, model, recipe.evaluation.dtype)[0])
        for part, path in track(missing, f"{model}: batches of gradients", len(missing)):
            draft = path.with_suffix(".draft")
            with draft.open("wb") as file:
                np.save(file, sketch.gradients([t.parts for t in part]))
            draft.rename(path)
        sketch.close()
    found = {id(t): v for part, path in zip(parts, paths, strict=True) for t, v in zip(part, np.load(path), strict=True)}
    return np.stack([found[id(t)] for t in texts])


def _batches(texts: list[Text]) -> Iterator[list[Text]]:
    """Texts of like length together, the longest first: whoever runs out of memory does so at once."""
    part: list[Text] = []
    longest = 0
    for text in sorted(texts, key=lambda t: (-t.tokens, t.what, t.group, t.name)):
        longest = max(longest, text.tokens)
        if part and longest * (len(part) + 1) > TOKENS_AT_ONCE:
            yield part
            part, longest = [], text.tokens
        part.append(text)
    if part:
        yield part


def _name(part: list[Text]) -> str:
    return hashlib.sha256(json.dumps([[t.what, t.name, t.parts] for t in part]).encode()).hexdigest()[:16]
