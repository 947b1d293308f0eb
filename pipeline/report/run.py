"""Report one verdict: a page that a person can decide from, and the same facts as report.json."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline import beside, chat, lineage, notify, service
from pipeline.errors import Permanent
from pipeline.progress import say
from pipeline.recipe import Recipe
from pipeline.report import facts, page, sources, words
from pipeline.settings import Settings

VERSION = 5  # raise it when the same verdict should yield a different page


def run(id: str, recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Report a verdict. Running it twice changes nothing: no clock and no chance enters the page."""
    manifest = lineage.require(settings, id, "verdict")
    since = beside.sums(settings, id)  # what was found out since makes another page of the same verdict
    report = lineage.name("report", lineage.day_of(id), id, VERSION, recipe.approval, *([since] if since else []))
    path = lineage.folder(settings, report)
    result = {"id": report, "path": str(path / "index.html"), "verdict": manifest.get("verdict"), "verdict_id": id}
    with lineage.making(settings, report, parents=[id], recipe=recipe.model_dump(mode="json")) as work:
        if work is None:
            return result
        found = sources.read(_verdict(settings, id), _manifest_of(settings), lambda i: lineage.folder(settings, i))
        found = replace(found, beside={what: beside.read(settings, what, id) for what in since})
        found.manifests[id] = manifest
        known = words.shown(facts.assemble(report, id, recipe.approval, found, _counting(settings)))
        lineage.write_json(work.folder / "report.json", known)
        (work.folder / "index.html").write_text(page.render(known), encoding="utf-8")
        work.counts |= {"lost": sum(g["lost"] for g in known["items"]), "gained": sum(g["gained"] for g in known["items"])}
        notify.send(settings.notify_url, notify.decision(report, known["verdict"], recipe.approval, known))  # once: before the seal
        work.extra |= {"verdict": known["verdict"], "candidate": known["candidate"], "champion": known["champion"]}
    say(f"{known['headline']}\nreport: {path / 'index.html'}")
    return result | {"verdict": known["verdict"]}


def _counting(settings: Settings) -> Callable[[str], int] | None:
    """Tokens of an answer; a host that only gates and reports may hold no model."""
    try:
        tokens = chat.tokens(service.origin(settings))
    except (Permanent, OSError):
        return None
    return lambda text: len(tokens.encode(text, add_special_tokens=False).ids)


def _verdict(settings: Settings, id: str) -> dict[str, Any]:
    found = json.loads((lineage.folder(settings, id) / "verdict.json").read_text(encoding="utf-8"))
    missing = [k for k in ("verdict", "candidate", "champion", "scores") if k not in found]
    if missing:
        raise Permanent(f"{id}: verdict.json has no {missing[0]}; delete the folder and run the gate again")
    return found


def _manifest_of(settings: Settings) -> Any:
    """Manifests of what is still on disk; an id of another shape (`origin`) has none."""
    return lambda id: lineage.manifest(settings, id) if lineage.SHAPE.match(id) and lineage.sealed(settings, id) else None
