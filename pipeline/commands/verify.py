"""Is a verdict what its evidence says, and a release what was judged? `equipoise verify ID` works it out again; `--all` does so for everything."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline import chain, ledger, lineage
from pipeline.errors import BadInput, Permanent
from pipeline.gate import asking
from pipeline.gate import run as gate
from pipeline.recipe import Ability, Recipe
from pipeline.settings import Settings

LARGEST = 12  # differences that are named one by one

Facts = dict[str, Any]


@dataclass
class Found:
    """What verifying one thing came to."""

    held: list[str] = field(default_factory=list)
    """What was checked and is as it should be."""
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What could not be checked, and why that is no fault."""


def command(args: argparse.Namespace, settings: Settings) -> Facts:
    if bool(args.ids) == args.all:
        raise BadInput("name verdict-… or release-… ids, or say --all")
    return run(args.ids or [m["id"] for kind in ledger.KINDS for m in lineage.all_of(settings, kind)], settings)


def run(ids: list[str], settings: Settings) -> Facts:
    """Check each id and the chain. Anything that does not hold raises Permanent, which names every difference."""
    checked = {"ledger.jsonl": _chain(settings, "ledger.jsonl"), "decisions.jsonl": _chain(settings, "decisions.jsonl")}
    for id in ids:
        kind = lineage.kind_of(id)
        if kind not in ledger.KINDS:
            raise BadInput(f"{id} is of kind {kind}; verify takes a verdict-… or a release-… id")
        try:
            checked[id] = verdict(settings, id) if kind == "verdict" else release(settings, id)
        except Permanent as error:  # something it rests on is gone
            checked[id] = Found(wrong=[str(error)])
    wrong = [f"- {id}: {what}" for id, found in checked.items() for what in found.wrong]
    if wrong:
        raise Permanent(f"{len(wrong)} of what was sealed does not hold:\n" + "\n".join(wrong))
    text = "\n".join(f"{id}: {'; '.join([*found.held, *found.notes])}" for id, found in checked.items())
    return {"id": None, "checked": {id: {"held": f.held, "notes": f.notes} for id, f in checked.items()}, "text": text}


def _chain(settings: Settings, name: str) -> Found:
    book = chain.load(settings.home / name)
    number, count = chain.broken(book), len(chain.whole(book).splitlines())
    if number:
        return Found(wrong=[f"line {number} does not follow from the line before it: one of the two was changed; compare it with a copy"])
    if not count:
        return Found(notes=["no line yet"])
    last = json.loads(chain.last_line(book))
    return Found([f"{count} lines, each follows from the one before; the last is of {last.get('when') or last.get('finished')}"])


def verdict(settings: Settings, id: str) -> Found:
    """A verdict's sums, its line, and its figures worked out again from the scores and the past that it was given."""
    found = Found()
    manifest = _sums(settings, id, found)
    if found.wrong:
        return found
    _line(settings, id, found)
    inputs, version = manifest.get("inputs"), manifest.get("gate")
    if inputs is None or version != gate.VERSION:
        found.notes.append(f"given by version {version or 1} of the gate, this is {gate.VERSION}: its figures were not worked out again")
        return found
    erased = [e for e in [id, *inputs["scores"].values(), inputs["mix"]] if e and _erased(settings, e)]
    if erased:
        found.notes.append(f"people were erased from {', '.join(dict.fromkeys(erased))} since: its figures were not worked out again")
        return found
    try:
        again = gate.judged(settings, id, inputs, Recipe.model_validate(manifest["recipe"]))
    except Permanent as error:
        found.wrong.append(str(error))
        return found
    sealed = json.loads((lineage.folder(settings, id) / "verdict.json").read_text(encoding="utf-8"))
    wrong = list(differences(sealed, json.loads(json.dumps(again))))
    found.wrong += wrong[:LARGEST] + ([f"and {len(wrong) - LARGEST} more differences"] if len(wrong) > LARGEST else [])
    if not wrong:
        items = sum(row["n"] for row in sealed["abilities"].values())
        found.held.append(f"{sealed['verdict']}, the same again from {items} items in {len(sealed['abilities'])} abilities")
        _stops(settings, manifest, found)
    return found


def _stops(settings: Settings, verdict: Facts, found: Found) -> None:
    """A candidate that was asked in batches was asked until its rule said stop, and no item further."""
    scored, inputs = verdict["scores"]["candidate"], verdict["inputs"]
    if not lineage.manifest(settings, scored).get("sampling"):
        return
    declared = {name: Ability.model_validate(ability) for name, ability in inputs["abilities"]}
    strayed = asking.strayed(settings, scored, declared)
    found.wrong += [f"{scored}: {name} was not asked as far as its rule says; evaluate the candidate again" for name in strayed]
    found.held += [] if strayed else ["its items were asked until the rule laid down for them said stop"]


def release(settings: Settings, id: str) -> Found:
    """A release's sums, its line, its model's files, and the verdict it stands on."""
    found = Found()
    manifest = _sums(settings, id, found)
    if found.wrong:
        return found
    _line(settings, id, found)
    sealed = json.loads((lineage.folder(settings, id) / "release.json").read_text(encoding="utf-8"))
    if lineage.sealed(settings, sealed["model"]):
        model = _sums(settings, sealed["model"], found)
        if model.get("files") != sealed["files"] and not _erased(settings, sealed["model"]):
            found.wrong.append(f"{sealed['model']} has other files than the release was sealed with; restore it from a copy")
    else:
        found.notes.append(f"{sealed['model']} is not in this home any more")
    stands_on = lineage.manifest(settings, sealed["verdict_id"])
    if stands_on["candidate"] != sealed["model"] or stands_on["verdict"] == "block" or manifest["model"] != sealed["model"]:
        found.wrong.append(
            f"{sealed['verdict_id']} says {stands_on['verdict']} to {stands_on['candidate']}, the release serves {sealed['model']}"
        )
    below = verdict(settings, sealed["verdict_id"])
    found.wrong += [f"{sealed['verdict_id']}: {what}" for what in below.wrong]
    found.held += [f"stands on {sealed['verdict_id']}: {what}" for what in below.held[-1:]]
    return found


def _sums(settings: Settings, id: str, found: Found) -> Facts:
    """The manifest, after every file's sum was compared with it."""
    manifest = lineage.manifest(settings, id)
    bad = [name for name, sha in manifest["files"].items() if not _is(lineage.folder(settings, id) / name, sha)]
    found.wrong += [f"{id}/{name} is not what was sealed" for name in bad]
    found.held += [] if bad else [f"{len(manifest['files'])} files as sealed"]
    return manifest


def _is(path: Any, sha: str) -> bool:
    return path.is_file() and lineage.sha256(path) == sha


def _erased(settings: Settings, id: str) -> list[Facts]:
    return lineage.manifest(settings, id).get("erased", []) if lineage.sealed(settings, id) else []


def _line(settings: Settings, id: str, found: Found) -> None:
    """What the ledger says of it against what its folders say now; an erasure's receipt explains a sum that changed."""
    written = ledger.lines(settings).get(id)
    if written is None:
        found.notes.append("older than the ledger: it has no line there")
        return
    now = json.loads(json.dumps(ledger.line(settings, id)))
    sides = (written.get("scores") or {}).items()
    rests = [id, *(s["id"] for _, s in sides)]
    known = {str(f["before"]) for i in rests for note in _erased(settings, i) for f in note["files"].values()}
    pruned = tuple(f"scores.{side}.adapter." for side, s in sides if s["model"] != "origin" and not lineage.sealed(settings, s["model"]))
    wrong = [w for w in differences(written, now) if not any(sha and sha in w for sha in known) and not w.startswith(pruned)]
    found.wrong += [f"ledger: {w}" for w in wrong]
    found.held += [] if wrong else ["its line in the ledger holds"]


def differences(sealed: Any, now: Any, where: str = "") -> Iterator[str]:
    """Every place where two JSON values part, by its path."""
    if isinstance(sealed, dict) and isinstance(now, dict):
        for key in sorted({*sealed, *now}):
            yield from differences(sealed.get(key), now.get(key), f"{where}.{key}" if where else key)
    elif isinstance(sealed, list) and isinstance(now, list) and len(sealed) == len(now):
        for i, (a, b) in enumerate(zip(sealed, now, strict=True)):
            yield from differences(a, b, f"{where}[{i}]")
    elif sealed != now:
        yield f"{where}: sealed {json.dumps(sealed, ensure_ascii=False)}, now {json.dumps(now, ensure_ascii=False)}"
