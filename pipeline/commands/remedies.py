"""What can be done about a blocked candidate, as recipes: another strength of its adapter, or its lesson cut, diluted or slowed. No effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.recipe import Recipe
from pipeline.spec import Slice

SCALES = (0.9, 0.7, 0.5, 0.3)
"""Strengths of an adapter that are tried (gate.md 7): below .3 little of what was taught is left."""
LAID = (0.7, 0.5, 0.3, 0.2, 0.1)
"""How much of a change is laid on the model in service: on what is taught well already, a little goes far (evals/LOG.md)."""
GENERAL = 5.0
"""General rows to each task row where the lesson had none: the default of a mix (DMT, arXiv 2310.05492)."""
MORE = 3.0
"""General rows, as a multiple of the lesson's own."""
SLOWER = 1 / 3
"""Of the learning rate; the key pass has a third of that again."""
ADAPTER, ADAPTER_MOST = 10.0, 5e-4
"""An adapter wants about ten times the rate of full training ("LoRA without regret"), and no plan gives one more than this."""

LONGER = (3, 6)
"""Times the passes, one after the other, where a gentle lesson gains too little."""
MOST_PASSES = 20
SETTINGS = ("learning_rate", "epochs", "full_finetune", "lora_rank", "lora_alpha", "lora_dropout")
"""Values of a training that a remedy takes over from the model in service."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Remedy:
    """One thing to try: what it changes in the lesson, said in words."""

    name: str
    does: str
    training: Mapping[str, Any] = field(default_factory=dict)
    slice: Mapping[str, Any] = field(default_factory=dict)
    scale: float | None = None
    """Strength of the adapter of `of`; None trains anew."""
    of: str = ""
    """The remedy whose model is scaled; empty = the blocked candidate."""
    laid: bool = False
    """What is scaled is laid on the model in service, not on what its training began from."""

    def lesson(self, blocked: Recipe, half: str) -> Recipe:
        """The blocked lesson with this change, asked on one half. It may hold: a half shows less than the whole, and that is no mistake of the recipe."""
        start = {"start": "champion"} if self.laid else {}
        training = blocked.training.model_copy(update={**self.training, "scale": self.scale, **start})
        mixing = blocked.mixing.model_copy(update={"slice": Slice(**self.slice)})
        return blocked.model_copy(
            update={
                "name": f"{blocked.name.split('-')[0]}-repair",
                "about": f"{blocked.name}, repaired: {self.does}",
                "training": training,
                "mixing": mixing,
                "evaluation": blocked.evaluation.model_copy(update={"half": half, "looks": 1}),
                "gate": blocked.gate.model_copy(update={"may_hold": True}),
            }
        )


@dataclass(frozen=True)
class Case:
    """What is known of a blocked candidate before anything is tried."""

    tasks: Sequence[str]
    """Taught tasks, the likeliest culprit first."""
    left_out: Sequence[str]
    """Tasks of the model in service that it was not taught."""
    general: int
    """General row passes of its main phase."""
    keyed: bool
    """Whether it had a key pass."""
    rate: float
    epochs: int
    """Passes of its main phase."""
    dpo_rate: float | None
    """Rate of its preference training, None where it had none."""
    full: bool
    """All weights were trained."""
    unscalable: str | None
    """Why its strength cannot be changed, or None where it can."""
    served: Row | None = None
    """SETTINGS and `ratio` (general rows to a task's row) of the model in service, where they are others than the blocked candidate's."""


def scales(of: str = "", does: str = "the adapter", laid: bool = False) -> list[Remedy]:
    """The sweep over strengths, the strongest first."""
    return [_at(s, of, does, laid) for s in (LAID if laid else SCALES)]


def between(tries: Sequence[Row], of: str = "", does: str = "the adapter", laid: bool = False) -> Remedy | None:
    """Half way from the strongest that passes to the next that does not: one evaluation more, and often much of the gain between them.

    tries: what the sweep over these strengths found.
    """
    swept = {t["scale"]: t["verdict"] for t in tries if "verdict" in t}
    best = max((s for s, verdict in swept.items() if verdict == "promote"), default=None)
    above = min((s for s in swept if best is not None and s > best), default=None)
    return None if best is None or above is None else _at(round((best + above) / 2, 3), of, does, laid)


def _at(scale: float, of: str, does: str, laid: bool) -> Remedy:
    if laid:
        return Remedy(f"in service + {scale:g}", f"the model in service, with {scale:g} of {does} laid on it", scale=scale, laid=True)
    return Remedy(f"{of + ', ' if of else ''}scale {scale:g}", f"{does} at {scale:g} of its strength", scale=scale, of=of)


def lessons(case: Case) -> list[Remedy]:
    """Lessons to train anew, the likeliest help first. Where all weights were trained, each trains an adapter instead: it forgets less."""
    rate = min(case.rate * ADAPTER, ADAPTER_MOST) if case.full else case.rate
    gentle: dict[str, Any] = {"full_finetune": False, "learning_rate": rate} if case.full else {}
    instead = "; ".join(
        (["an adapter instead of all weights"] if case.full else [])
        + ([f"with the rows of {', '.join(case.left_out)}, which the model in service was taught"] if case.left_out else [])
    )
    replay, more = _replay(case)
    slower = {"learning_rate": float(f"{rate * SLOWER:.3g}")}
    slower |= {"dpo_learning_rate": float(f"{case.dpo_rate * SLOWER:.3g}")} if case.dpo_rate else {}
    found = [_served(case.served)] if case.served else []
    first = f"with {', '.join(case.left_out)}" if case.left_out else "adapter"
    found += [Remedy(first, f"learning rate {rate:.1e}")] if case.full or case.left_out else []
    if len(case.tasks) > 1:
        found += [Remedy(f"without {t}", f"without the rows of {t}", slice={"without": [t]}) for t in case.tasks]
    found.append(Remedy("replay", more, slice=replay))
    found += [Remedy("no key pass", "no extra pass over the key tasks", slice={"key_pass": False})] if case.keyed else []
    found.append(Remedy("lower rate", f"learning rate {rate * SLOWER:.1e} instead of {rate:.1e}", training=slower))
    calm = {**replay, **({"key_pass": False} if case.keyed else {})}
    found.append(Remedy("all of these", f"{more}, a third of the rate{', no key pass' if case.keyed else ''}", training=slower, slice=calm))
    return [Remedy(r.name, "; ".join(filter(None, (instead, r.does))), {**gentle, **r.training}, r.slice) for r in found]


def longer(remedy: Remedy, tried: Row, enough: float, times: int, epochs: int) -> Remedy | None:
    """The same lesson with so many times its passes, where the last look (`tried`) shows no proved harm and a gain below `enough`.

    epochs: passes of a lesson whose remedy does not say how many.
    """
    if tried.get("verdict", "block") == "block" or (tried["gain"] or 0.0) >= enough or remedy.slice.get("without"):
        return None
    passes = min(MOST_PASSES, times * int(remedy.training.get("epochs") or epochs))
    does = f"{remedy.does}; {passes} passes over the rows instead"
    return Remedy(f"{remedy.name}, {passes} passes", does, {**remedy.training, "epochs": passes}, remedy.slice)


def _served(known: Row) -> Remedy:
    training = {name: known[name] for name in SETTINGS}
    how = f"learning rate {known['learning_rate']:.1e}, general rows {known['ratio']:g} : 1, passes over the rows: {known['epochs']}"
    return Remedy("as in service", f"as the model in service was: {how}", training, {"ratio": known["ratio"]})


def _replay(case: Case) -> tuple[Row, str]:
    if case.general:
        return {"replay": MORE}, f"{MORE:g} times the general rows"
    return {"ratio": GENERAL}, f"general rows {GENERAL:g} : 1 beside the tasks' own"


def ordered(tasks: Mapping[str, Mapping[str, Any]], rows: Mapping[str, int], suspects: Sequence[str]) -> list[str]:
    """Tasks in the order in which leaving them out is tried: as attribution suspects them; then the largest, and key tasks last of all.

    tasks: the plan's tasks; without a key task there is little left to gain.
    """
    named = [t for t in dict.fromkeys(suspects) if t in tasks]
    rest = (t for t in tasks if t not in named)
    return named + sorted(rest, key=lambda t: (bool(tasks[t].get("key")), -rows.get(t, 0), t))
