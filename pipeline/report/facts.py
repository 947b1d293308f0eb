"""The facts of a report, in the page's order: report.json is this, and the page draws nothing else."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline.causes.taught import bare
from pipeline.lineage import lasted
from pipeline.report import account, behaviour, brief, causes, charts, items, looks, losses, mending, probed, samples, since, tables
from pipeline.report.failures import CLASSES, Known, failure
from pipeline.report.sources import Sources
from pipeline.report.words import cut, lasting

Row = dict[str, Any]

KINDS = ("logs", "pairs", "mix", "model", "scores", "verdict")
LONGEST_TAUGHT = 200  # characters: a longer answer is not hit upon word for word
VERBS = {"logs": "ingest", "pairs": "mine", "mix": "mix", "model": "train", "scores": "evaluate", "verdict": "gate"}


def assemble(report: str, verdict_id: str, approval: str, s: Sources, count: Callable[[str], int] | None = None) -> Row:
    """Everything a person needs to decide, and where each figure comes from. count: tokens of a text, where the origin's tokenizer is at hand."""
    v = s.verdict
    candidate, champion = s.items.get("candidate", []), s.items.get("champion", [])
    asked = s.manifests.get(v["scores"].get("candidate"), {}).get("abilities") or {}
    choice = items.deciding(candidate, asked)
    trained_on = {name for name, ability in asked.items() if ability.get("trained_on")}
    levels = items.scores(s.items, choice)
    parted = items.flips(behaviour.readable(candidate, asked), champion, choice, s.lower, failing(Known(s.longest, count, _taught(s))))
    page = {
        "id": report,
        "verdict_id": verdict_id,
        "verdict": v["verdict"],
        "headline": tables.headline(v, trained_on),
        "reasons": [cut(r) for r in v.get("reasons") or []],
        "day": v.get("day"),
        "recipe": _recipe(s, verdict_id, approval),
        "candidate": v["candidate"],
        "champion": v["champion"],
        "next": actions(report, v, approval, s.beside.get("repair")),
        "references": tables.references(v, levels),
        "looks": looks.of(v, s.manifests.get(v["scores"].get("candidate"), {})),
        "blind": tables.blind(v),
        "feasibility": tables.feasibility(v),
        "account": account.of(v),
        "targets": tables.targets(v, levels, trained_on),
        "checks": behaviour.checks(v.get("checks") or []),
        "warnings": v.get("warnings") or [],
        "causes": causes.of(s, verdict_id),
        "repair": mending.of(s.beside.get("repair"), verdict_id),
        "levels": levels,
        "items": causes.beside(parted, s),
        "alike": items.alike(parted),
        "unguarded": items.unguarded(parted, levels),
        "probed": probed.of(s.beside.get("probe"), candidate),
        "failures": CLASSES,
        "data": data(s),
        "samples": _samples(s),
        "tasks": tasks(s.counts),
        "curves": [
            c | {"chart": charts.line(c["steps"], c["losses"], losses.guide(c["phase"]))}
            for c in losses.curves(s.losses, (s.plan.get("training") or {}).get("warnings") or [])
        ],
        "plan": _plan(s.plan),
        "lineage": lineage(verdict_id, s),
        "since": since.of(s),
        **costs(verdict_id, s),
    }
    return page | {"brief": brief.of(page, _pace(s))}


def _pace(s: Sources) -> float | None:
    """Seconds that one item of the candidate took."""
    manifest = s.manifests.get(s.verdict["scores"].get("candidate"), {})
    asked = (manifest.get("counts") or {}).get("asked")
    return lasted(manifest) / asked if asked and manifest.get("finished") else None


def failing(known: Known) -> items.Fails:
    """Names how an answer fails. A wrong label of the task that was taught is just another label."""
    plain = replace(known, taught=frozenset())

    def fails(wrong: Row, right: Row, forms: bool) -> str:
        said, other, target = (str(text or "") for text in (wrong.get("response"), right.get("response"), wrong.get("target")))
        return failure(said, other, target, plain if wrong["kind"] == "target" else known, wrong["benchmark"], forms)

    return fails


def _taught(s: Sources) -> frozenset[str]:
    """Short answers that the lesson's own rows teach: an answer to everything is how a small model over-learns a task."""
    answers = [r["messages"][-1] for r in s.rows.get("sft", []) if r["task"] != "general"]
    answers += [r["chosen"][-1] for r in s.rows.get("dpo", [])]
    return frozenset(bare(a["content"]) for a in answers if 0 < len(a.get("content") or "") <= LONGEST_TAUGHT) - {""}


def _recipe(s: Sources, verdict_id: str, approval: str) -> Row:
    found = s.manifests.get(verdict_id, s.manifests.get(s.model, {})).get("recipe", {})
    return {"name": found.get("name"), "about": found.get("about"), "approval": approval}


def actions(report: str, verdict: Row, approval: str, repair: Row | None = None) -> list[Row]:
    """What a reviewer can do next: exact commands. repair: what repair made of a blocked candidate, where somebody had it mended."""
    approve = f'equipoise promote {report} --by YOU --note "why"'
    look = {"what": "Follow the candidate down to the log lines that taught it", "command": f"equipoise trace {verdict['candidate']}"}
    undo = {
        "what": "Undo in seconds, should users see what the suite could not",
        "command": 'equipoise rollback --reason "what went wrong"',
    }
    if verdict["verdict"] == "block":
        keep = {
            "what": f"Nothing to approve: a blocked model is never promoted, and {verdict['champion']} stays in service",
            "command": None,
        }
        mend = {
            "what": "Have it mended: other strengths and lessons are tried on half of the items, the best is judged on the other half",
            "command": f"equipoise repair {verdict.get('id')}",
        }
        mended = (repair or {}).get("judged") or {}
        if mended.get("verdict") == "promote":  # a try that is held, or blocked as this one, has mended nothing
            what = f"It was mended: {mended['model']} has a verdict ({mended['verdict']}) and a report of its own"
            mend = {"what": what, "command": f"equipoise report {mended['id']}"}
        again = {
            "what": "Or read the lost items below, mend the lesson yourself (rows, rate, replay), and run the day again",
            "command": f"equipoise day {verdict.get('day')}",
        }
        return [keep, mend, again, look]
    if verdict["verdict"] == "promote" and approval != "always":
        return [
            {"what": f"Goes into service by itself (approval: {approval}). By hand:", "command": f"equipoise promote {report}"},
            undo,
            look,
        ]
    asked = "this lesson always asks a person" if approval == "always" else "not everything is shown, so a person is asked"
    refuse = {
        "what": "Say no: the champion stays, and the no is recorded",
        "command": f'equipoise promote {report} --reject --by YOU --note "why"',
    }
    return [{"what": f"Put it in service ({asked})", "command": approve}, refuse, undo, look]


def data(s: Sources) -> Row:
    """From lines to rows: what was kept, and why the rest was not."""
    logs = s.manifests.get(s.logs or "", {}).get("counts", {})
    pairs = s.manifests.get(s.pairs or "", {}).get("counts", {})
    return {
        "logs": {k: logs[k] for k in ("lines", "stored", "updated", "unchanged", "quarantined", "quarantined_events") if k in logs},
        "quarantine": logs.get("reasons") or {},
        "pairs": {k: v for k, v in pairs.items() if isinstance(v, int)},
        "notes": [cut(note) for note in pairs.get("notes") or []],
        "voices": (s.counts.get("voices") or {}).get("sft"),
        "dropped": _dropped(s.dropped),
        "mix_dropped": {str(k): v for k, v in (s.counts.get("dropped") or {}).items()},
        "days": sum(1 for id in s.manifests.get(s.mix or "", {}).get("parents", []) if id.startswith("pairs-")),
    }


def _dropped(rows: list[Row]) -> list[Row]:
    """Dropped rows by reason, the most frequent first, with one of each to look at."""
    counted = Counter((str(r.get("reason")), str(r.get("kind") or "")) for r in rows)
    example = {(str(r.get("reason")), str(r.get("kind") or "")): cut(r.get("text"), 300) for r in reversed(rows)}
    return [{"reason": reason, "kind": kind, "n": n, "example": example[reason, kind]} for (reason, kind), n in counted.most_common()]


def _samples(s: Sources) -> dict[str, list[Row]]:
    """Rows that were trained on; a lesson without preference rows has none of those."""
    shapes = {"sft": samples.sft, "dpo": samples.dpo, "kto": samples.kto}
    return {t: [shape(r) for r in samples.drawn(s.rows.get(t, []), s.verdict["candidate"])] for t, shape in shapes.items()}


def tasks(counts: Row) -> list[Row]:
    """Rows, passes and tokens of every task, as the mix counted them."""
    found = counts.get("tasks") or {}
    names = dict.fromkeys([*found, *(counts.get("dpo") or {}), *(counts.get("kto") or {})])
    rows = [
        {"name": n, "dpo": (counts.get("dpo") or {}).get(n, 0), "kto": (counts.get("kto") or {}).get(n, 0)}
        | {k: v for k, v in found.get(n, {}).items() if isinstance(v, int)}
        for n in names
    ]
    total = sum(r.get("passes", 0) for r in rows)
    return [r | {"share": r.get("passes", 0) / total if total else 0.0} for r in sorted(rows, key=lambda r: -r.get("passes", 0))]


def _plan(plan: Row) -> Row:
    values = {n: v if isinstance(v, dict) else {"value": v, "why": ""} for n, v in (plan.get("values") or {}).items()}
    found = plan.get("training") or {}
    skipped = {f"{kind}: {reason}": n for kind, reasons in (found.get("dropped") or {}).items() for reason, n in reasons.items()}
    return {
        "method": plan.get("method"),
        "why": cut(plan.get("why")) if plan.get("why") else "",
        "notes": [cut(n) for n in plan.get("notes") or []],
        "preference": cut((found.get("preference") or {}).get("why")),
        "dropped": skipped,
        "values": [{"name": str(n), "value": cut(str(v.get("value")), 200), "why": cut(v.get("why"), 400)} for n, v in values.items()],
    }


def lineage(verdict_id: str, s: Sources) -> list[Row]:
    """Every id behind the verdict, from logs down; the candidate's own parents marked."""
    own = {s.model, s.mix, s.pairs, s.logs, verdict_id, s.verdict["scores"].get("candidate")}
    ids = [*s.manifests, *([] if verdict_id in s.manifests else [verdict_id])]
    return [{"kind": kind, "ids": [{"id": i, "own": i in own} for i in sorted(ids) if i.startswith(f"{kind}-")]} for kind in KINDS]


def costs(verdict_id: str, s: Sources) -> Row:
    """Seconds a stage took, from the manifests; scores made for an earlier candidate cost nothing now."""
    trained = s.manifests.get(s.model, {}).get("started")
    rows = []
    for id in dict.fromkeys(filter(None, [s.logs, s.pairs, s.mix, s.model, *s.verdict["scores"].values(), verdict_id])):
        manifest = s.manifests.get(id)
        if manifest and manifest.get("finished"):
            seconds = lasted(manifest)
            shared = bool(id.startswith("scores-") and trained and manifest["finished"] < trained)
            rows.append({"stage": VERBS[id.split("-")[0]], "id": id, "seconds": seconds, "shared": shared, "text": lasting(seconds)})
    spent = sum(r["seconds"] for r in rows if not r["shared"])
    model = s.manifests.get(s.model, {})
    planned = sum(t.get("trained_tokens", t.get("tokens", 0)) for t in (s.counts.get("tasks") or {}).values())
    tokens = model.get("trained_tokens", planned)
    return {"stages": rows, "cost": {"seconds": spent, "text": lasting(spent), "tokens": tokens, "device": model.get("device")}}
