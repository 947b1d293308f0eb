"""Compose one lesson from rows: a function of its arguments, so that every count can be checked by arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline.mix import believed, candidates, counting, explain, plan, ratio, replay, router, schedule
from pipeline.mix.candidates import GENERAL, KINDS, Dropped, Material, Measure, Row, Rows
from pipeline.recipe import Recipe, Task


@dataclass(frozen=True)
class Lesson:
    rows: Rows
    dropped: Dropped
    counts: dict[str, Any]
    plan: dict[str, Any]


@dataclass
class Draft:
    """A lesson on its way: what the parts below tell one another."""

    material: Material
    cards: dict[str, Task]
    recipe: Recipe
    dropped: Dropped = field(default_factory=list)

    @property
    def continues(self) -> bool:
        """Whether the lesson goes on from the model in service instead of starting from the origin."""
        return self.recipe.training.start == "champion"


def compose(material: Material, cards: Mapping[str, Task], recipe: Recipe, measure: Measure) -> Lesson:
    """Rows in, lesson out: what still stands, fits, is chosen, routed and put in order."""
    draft = Draft(material, candidates.taught_tasks(cards, recipe), recipe)
    rows = {kind: candidates.standing(kind, material, draft.cards, draft.dropped) for kind in KINDS}
    rows = {kind: candidates.known(kind, group, recipe.mixing.unknown_facts, draft.dropped) for kind, group in rows.items()}
    rows[GENERAL] = candidates.trainable(
        GENERAL, [general_row(row, material.day) for row in material.pool], material.heldout, draft.dropped
    )
    rows = {kind: [candidates.measured(row, measure) for row in group] for kind, group in rows.items()}
    longest = max((row["longest"] for group in rows.values() for row in group), default=0)
    length, _ = plan.max_length(longest, material.context, recipe.training)
    rows = {kind: candidates.fitting(kind, group, length, draft.dropped) for kind, group in rows.items()}
    pool = rows.pop(GENERAL)
    rows = {
        kind: candidates.chosen(kind, group, draft.cards, recipe.mixing.max_rows_per_user, draft.dropped) for kind, group in rows.items()
    }
    tasks = sorted({row["task"] for group in rows.values() for row in group})
    routes = {task: router.route(candidates.evidence(rows, task), recipe.training) for task in tasks}
    method = router.whole(routes)
    rows = {
        kind: candidates.routed(kind, group, routes, method.method, recipe.training.min_rows, draft.dropped) for kind, group in rows.items()
    }
    rows = {kind: believed.leveled(group, recipe.mixing.max_voice_share) for kind, group in rows.items()}
    rows["dpo"] = [row | {"smoothing": believed.doubt(row)} for row in rows["dpo"]]
    return ordered(draft, rows, pool, longest, explain.Routing(method, routes))


def ordered(draft: Draft, rows: Rows, pool: list[Row], longest: int, routing: explain.Routing) -> Lesson:
    """Put the chosen rows in training order and say what was done."""
    mixing, training, given = draft.recipe.mixing, draft.recipe.training, draft.material.given
    domain, beside = replayed(draft, rows["sft"]) if draft.continues else (rows["sft"], {})
    wanted = ratio.passes(mixing.ratio, len(domain))
    if not domain and routing.method.method != "none" and mixing.ratio:
        wanted = mixing.replay_rows  # preferences alone still start from a model that has just rehearsed
    general, share = ratio.general(pool, wanted, mixing.general_repeats, training.seed)
    main = schedule.main(domain, general, given, training.seed)
    extra = key_phase(draft, domain, pool if general else [])
    preference = {kind: schedule.main(rows[kind], [], given, training.seed) for kind in ("dpo", "kto")}
    size = plan.Size(len(main), longest, draft.material.context, draft.material.parameters)
    values = plan.values(routing.method, size, training)
    files = {"sft": main + extra.rows, **preference}
    facts = explain.Facts(draft.cards, draft.recipe, routing, share, extra, beside, values, draft.continues)
    counts = counting.counts(files, draft.dropped, facts)
    return Lesson(files, draft.dropped, counts, explain.plan(files, facts))


def key_phase(draft: Draft, domain: list[Row], pool: list[Row]) -> schedule.KeyPass:
    """The extra pass over key tasks; a lesson that continues the champion is one short phase."""
    if draft.continues:
        return schedule.KeyPass(why="continues the model in service: one short phase, no extra pass")
    tasks = {task: [r for r in domain if r["task"] == task] for task in draft.cards}
    key = {name for name, card in draft.cards.items() if card.key}
    mixing = draft.recipe.mixing
    return schedule.key_pass(
        tasks, pool, key, draft.material.given, share=mixing.replay_share, rows=mixing.replay_rows, seed=draft.recipe.training.seed
    )


def replayed(draft: Draft, rows: list[Row]) -> tuple[list[Row], dict[str, schedule.Beside]]:
    """A lesson that continues a model teaches the given rows, beside some of what each task taught before."""
    mixing, given = draft.recipe.mixing, draft.material.given
    lesson = [r for r in rows if r["pairs"] == given]
    older = {task: [r for r in rows if r["pairs"] != given and r["task"] == task] for task in draft.cards}
    beside = {task: schedule.beside(len(r), mixing.replay_share, mixing.replay_rows) for task, r in older.items() if r}
    kept = [row for task, b in beside.items() for row in replay.drawn(older[task], b.given, draft.recipe.training.seed, "replay")]
    ids = {id(row) for row in (*lesson, *kept)}
    draft.dropped += [("sft", row, "replay of its task is drawn, not whole") for row in rows if id(row) not in ids]
    return lesson + kept, beside


def general_row(row: Row, day: date) -> Row:
    """A row of the pool in the columns of all rows."""
    common: Row = {
        "task": GENERAL,
        "source": GENERAL,
        "conversation_id": None,
        "message_ids": [],
        "user_hash": None,
        "day": day,
        "weight": 1.0,
        "evidence": "{}",
    }
    return common | {"pairs": None} | row
