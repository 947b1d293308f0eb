"""A slice of a lesson: some of its rows in their order, and its general rows fewer or more. A function of its arguments."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import BadRecipe
from pipeline.mix import schedule
from pipeline.mix.candidates import GENERAL, Dropped, Row, Rows
from pipeline.mix.ratio import Share, passes
from pipeline.mix.replay import lot
from pipeline.spec import Slice

WHOLE = Slice()


@dataclass(frozen=True)
class Piece:
    """What a slice kept, what it left out, and how many general passes stand beside it."""

    rows: Rows
    dropped: Dropped
    share: Share
    tasks: frozenset[str]
    """The taught tasks that are left."""
    keys: tuple[str, ...] = ()
    """Tasks of the key pass; empty where there is none."""


@dataclass(frozen=True)
class Pool:
    """General rows that a slice may add, as (row, repeat) in the order in which a lesson takes them."""

    passes: list[tuple[Row, int]] = field(default_factory=list)
    rows: int = 0


def left(tasks: Collection[str], cut: Slice) -> frozenset[str]:
    """The taught tasks that the slice keeps. A name that the lesson does not teach is refused: it would cut nothing, in silence."""
    named = {*(cut.only or []), *cut.without}
    strange = sorted(named - set(tasks))
    if strange:
        raise BadRecipe(
            f"mixing.slice names {strange[0]}, which this mix does not teach; it teaches {', '.join(sorted(tasks)) or 'nothing'}"
        )
    return frozenset(t for t in tasks if (cut.only is None or t in cut.only) and t not in cut.without)


def wanted(rows: list[Row], tasks: Collection[str], cut: Slice) -> int:
    """General passes of the main phase that stand beside the slice."""
    main = [r for r in rows if r["phase"] == "main"]
    has = sum(r["task"] == GENERAL for r in main)
    if cut.ratio is not None:
        has = passes(cut.ratio, sum(r["task"] in tasks for r in main))
    return passes(cut.replay, has)


def piece(files: Rows, plan: Mapping[str, Any], cut: Slice, pool: Pool, seed: int) -> Piece:
    """The rows of a slice. Order is by lot and each row has its own lot, so what stays keeps the order it had.

    plan: the whole lesson's plan.yaml; its `tasks` say which are taught and which are key tasks.
    """
    tasks = left(plan["tasks"], cut)
    dropped: Dropped = []
    kept = {kind: _of_tasks(kind, rows, tasks, dropped) for kind, rows in files.items()}
    general, share = _general(kept["sft"], wanted(files["sft"], tasks, cut), pool, seed, dropped)
    own = [r for r in kept["sft"] if r["phase"] == "main" and r["task"] != GENERAL]
    keys = tuple(sorted(t for t in tasks if plan["tasks"][t].get("key")))
    extra = _key_rows(kept["sft"], keys if cut.key_pass else (), bool(general), dropped)
    kept["sft"] = schedule.shuffled(own + general, seed) + extra
    return Piece(kept, _once(dropped), share, tasks, keys if extra else ())


def _of_tasks(kind: str, rows: list[Row], tasks: Collection[str], dropped: Dropped) -> list[Row]:
    dropped += [(kind, r, f"the slice leaves {r['task']} out") for r in rows if r["task"] not in tasks and r["task"] != GENERAL]
    return [r for r in rows if r["task"] in tasks or r["task"] == GENERAL]


def _general(sft: list[Row], most: int, pool: Pool, seed: int, dropped: Dropped) -> tuple[list[Row], Share]:
    """General passes of the main phase: the lesson's own, the repeats going first where there are too many, then the pool's."""
    own = [r for r in sft if r["phase"] == "main" and r["task"] == GENERAL]
    ranked = sorted(own, key=lambda r: (r["repeat"], lot(seed, "slice", r["example_id"])))
    found, over = ranked[:most], ranked[most:]
    dropped += [("sft", r, "the slice takes fewer general rows") for r in over]
    there = {(r["example_id"], r["repeat"]) for r in found}
    more = [schedule.placed(r, "main", n, "") for r, n in pool.passes if (r["example_id"], n) not in there]
    found = found + more[: most - len(found)]
    distinct = max(pool.rows, len({r["example_id"] for r in own}))
    return found, Share(wanted=most, given=len(found), pool=distinct, most=max((r["repeat"] + 1 for r in found), default=0))


def _key_rows(sft: list[Row], keys: Collection[str], general: bool, dropped: Dropped) -> list[Row]:
    """The key pass as it was. Without its key tasks it would be one more pass over everything else, so it goes with them."""
    rows = [r for r in sft if r["phase"] == "key"]
    if not keys:
        dropped += [("sft", r, "the slice has no key pass") for r in rows]
        return []
    dropped += [("sft", r, "the slice takes fewer general rows") for r in rows if r["task"] == GENERAL and not general]
    return [r for r in rows if r["task"] != GENERAL or general]


def _once(dropped: Dropped) -> Dropped:
    """Each row once for each reason, however many of its passes went."""
    return list({(kind, row["example_id"], reason): (kind, row, reason) for kind, row, reason in dropped}.values())


def words(cut: Slice) -> str:
    """What the slice does, to follow the name of the lesson that it is cut from."""
    said = [f"only {', '.join(cut.only) or 'general rows'}"] if cut.only is not None else []
    said += [f"without {', '.join(cut.without)}"] if cut.without else []
    said += [] if cut.key_pass else ["no key pass"]
    said += [f"general rows {cut.ratio:g} : 1"] if cut.ratio is not None else []
    said += [f"general rows x {cut.replay:g}"] if cut.replay != 1 else []
    return "; ".join(said) or "all of it"
