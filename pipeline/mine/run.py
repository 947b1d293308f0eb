"""Mine: `equipoise mine LOGS` makes rows of what users said about one batch of logs; `--dry-run` only says which."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from pipeline import benchmarks, lake, lineage
from pipeline import recipe as recipes
from pipeline.audit import found as audited
from pipeline.audit.found import Counts
from pipeline.errors import BadInput
from pipeline.mine import (
    account,
    contexts,
    decontaminate,
    explicit,
    implicit,
    implicit_rules,
    judge,
    judge_docket,
    judge_sitting,
    remembered,
    sieve,
    tables,
)
from pipeline.mine.batch import KINDS, Batch, mined
from pipeline.mine.cards import Desk
from pipeline.mine.complaints import NOBODY, Ruled
from pipeline.mine.decontaminate import Known
from pipeline.mine.reasons import REASONS
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.settings import Settings

VERSION = 4  # raise it when the same logs should yield different pairs


def run(logs: str, recipe: Recipe, settings: Settings, dry_run: bool = False) -> dict[str, Any]:
    """Mine one batch of logs. Running it twice changes nothing."""
    sealed = lineage.require(settings, logs, "logs")
    desk, written = Desk(dict(sorted(recipes.cards(settings, recipe).items()))), written_prompts(settings)
    judged = audited.counts(settings)
    ruled = NOBODY if dry_run else judge_docket.ruled(judge.of(settings, recipe.judging), sealed, recipe, settings, desk)
    earlier, asked = _earlier(settings, recipe, sealed), benchmarks.asked(settings, recipe)
    compared = [pairs for ids in earlier.values() for pairs in ids]
    id = _name(
        logs, recipe, desk, written, judged, ruled, [compared, asked.names, asked.texts, sieve.of(recipe, settings, desk.cards).name]
    )
    if dry_run:
        return _told(id, _mined(sealed, recipe, settings, desk, written, judged, known=_known(settings, earlier, asked)))
    with lineage.making(settings, id, parents=[logs], recipe=recipe.model_dump(mode="json")) as work:
        if work is not None:
            found = _mined(sealed, recipe, settings, desk, written, judged, ruled, _known(settings, earlier, asked))
            write(work.folder, found)
            work.counts.update(account.counts(found))
            work.extra |= {"snapshot": sealed["snapshot"], "mine_version": VERSION, "compared_with": compared}
            _say(id, work.counts, recipe)
    remembered.kept(settings, id)
    counts = lineage.manifest(settings, id)["counts"]
    enough = counts["examples"] + counts["pairs"] + counts["unpaired"] >= max(1, recipe.mining.min_events)
    return {"id": id, "enough": enough} | counts | {"signals_file": str(lineage.folder(settings, id) / "signals.jsonl")}


def _earlier(settings: Settings, recipe: Recipe, sealed: dict[str, Any]) -> dict[date, list[str]]:
    """The pairs of earlier days that the lesson looks back on, too."""
    day = date.fromisoformat(sealed["day"])
    return remembered.earlier(lineage.all_of(settings, "pairs"), day, recipe.name, recipe.mixing.max_days)


def _known(settings: Settings, earlier: dict[date, list[str]], asked: benchmarks.Asked) -> Known:
    return Known(remembered.past(settings, earlier), asked.names, asked.texts)


def _name(logs: str, recipe: Recipe, desk: Desk, written: frozenset[str], judged: Counts, ruled: Ruled, known: list[Any]) -> str:
    """The id covers what the stage uses: the logs, the mining rules, the cards, the held-out prompts and items of the gate, the words that are listened for, the earlier pairs that rows are compared with, and the filters' own versions; where a judge is configured, who it is, how it stands and what it left open."""
    lessons = recipes.digest(recipe.mining, *desk.cards.values())
    rules = implicit_rules.digest() if recipe.mining.implicit else None
    people = [[cell.rule, cell.app, cell.group, *n] for cell, n in judged.items()]
    by: dict[str, Any] = {"judge": [judge_sitting.named(ruled), recipes.digest(recipe.judging)] if ruled.account else None}
    facts = by | ({"audit": people} if people else {})
    return lineage.name("pairs", lineage.day_of(logs), logs, VERSION, lessons, recipes.digest(sorted(written), rules, known), facts)


def _mined(
    sealed: dict[str, Any],
    recipe: Recipe,
    settings: Settings,
    desk: Desk,
    written: frozenset[str],
    judged: Counts,
    ruled: Ruled = NOBODY,
    known: Known = decontaminate.NOTHING,
) -> Batch:
    """Read the lake as it stood when the logs were sealed, and mine what is new on their day."""
    day = date.fromisoformat(sealed["day"])
    with lake.connect(settings, snapshot=sealed["snapshot"], scratch="mine") as con:
        lake.run(con, "mine/touched", day=day, only=recipe.mining.only)
        talks = contexts.talks(lake.query(con, "mine/conversations"), lake.query(con, "mine/messages", day=day))
        signals = [explicit.signal(row) for row in lake.query(con, "mine/states")]
        listened = implicit.listened(con, day, recipe.mining.only) if recipe.mining.implicit else implicit.Listened()
        sifted = sieve.of(recipe, settings, desk.cards, known.past.singles)
        found = mined(signals, talks, desk, recipe.mining, written, day, listened, judged, ruled, known, sifted)
        con.register("taught", tables.index(found.kept))
        con.register("heldout", tables.index(found.heldout))
        con.register("dropped", tables.table("dropped", map(tables.refused, found.dropped)))
        con.register("outcomes", tables.outcomes(account.outcomes(found)))
        lake.check(con, "mine", day=day, cap=recipe.mining.max_rows_per_user_day, reasons=sorted(REASONS))
    return found


def written_prompts(settings: Settings) -> frozenset[str]:
    """Prompts of every held-out file, shipped and your own: none of them is ever trained on, whatever its task."""
    folders = [recipes.EVALS / "heldout"] + ([settings.config / "heldout"] if settings.config else [])
    prompts = set()
    for path in sorted(p for folder in folders for p in folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip():
                prompts.add(_prompt(line, f"{path}:{number}"))
    return frozenset(prompts)


def _prompt(line: str, where: str) -> str:
    try:
        item = json.loads(line)
        return contexts.asked(item.get("messages") or [{"role": "user", "content": item["prompt"]}])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f'{where}: {type(error).__name__} {error}; a line is {{"id", "prompt" or "messages", "answer"}}') from None


def write(folder: Path, found: Batch) -> None:
    """The five tables and the signals."""
    import pyarrow.parquet as pq

    rows = {kind: [tables.taught(c) for c in found.of(kind)] for kind in KINDS}
    rows["heldout"] = [tables.asked(c) for c in found.heldout]
    rows["dropped"] = [tables.refused(d) for d in found.dropped]
    for kind, of_kind in rows.items():
        pq.write_table(tables.table(kind, of_kind), folder / f"{kind}.parquet", compression="zstd")
    with (folder / "signals.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in account.records(found))


def _say(id: str, counts: dict[str, Any], recipe: Recipe) -> None:
    lost = sum(counts["dropped"].values())
    say(
        f"{id}: {counts['examples']} examples, {counts['pairs']} pairs, {counts['unpaired']} unpaired, {counts['heldout']} held out, {lost} dropped"
    )
    for task, kinds in counts["tasks"].items():
        if task != "other" and 0 < kinds.get("heldout", 0) < recipe.mining.heldout_least and recipe.mining.only is None:
            say(f"{task}: {kinds['heldout']} held-out rows in this batch; write heldout/{task}.jsonl to measure it by more")
    for note in counts["notes"]:
        say(f"{id}: {note}")


def _told(id: str, found: Batch) -> dict[str, Any]:
    """What a dry run says: what would be kept, and why the rest not."""
    counts = account.counts(found)
    lines = [f"{id} (dry run: nothing was written)"]
    lines += [f"{counts[name]:>8} {name}" for name in ("signals", "examples", "pairs", "unpaired", "heldout")]
    for task, kinds in counts["tasks"].items():
        lines.append(f"         {task}: {', '.join(f'{n} {kind}' for kind, n in kinds.items())}")
    if counts["implicit"]:
        lines.append(f"{sum(counts['implicit'].values()):>8} turns that follow an answer; read by the rules they say")
        lines += [f"{n:>8} {signal}" for signal, n in counts["implicit"].items()]
    lines += [f"         {note}" for note in counts["notes"]]
    lines += [f"{sum(counts['dropped'].values()):>8} dropped"]
    lines += [f"{n:>8} {reason}: {REASONS[reason]}" for reason, n in sorted(counts["dropped"].items(), key=lambda p: (-p[1], p[0]))]
    return {"id": id, **counts, "signals_file": None, "dry_run": True, "text": "\n".join(lines)}
