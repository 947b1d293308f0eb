"""Models that have learnt from rows that are gone: rows can be taken out of a folder, not out of weights."""

from pipeline import lineage, service
from pipeline.erase.journal import Journal
from pipeline.settings import Settings


def models(settings: Settings, mixes: set[str]) -> dict[str, str]:
    """Models made from these mixes -> the mix, also those that continue such a model; sealed before the mix was cleaned or not."""
    found: dict[str, str] = {}
    sealed = lineage.all_of(settings, "model")
    grew = True
    while grew:
        new = {m["id"]: p for m in sealed if m["id"] not in found for p in m["parents"] if p in mixes or p in found}
        grew = bool(new)
        found |= {id: found.get(parent, parent) for id, parent in new.items()}
    return found


def write(settings: Settings, journal: Journal, mixes: dict[str, int]) -> dict[str, str]:
    """Add to home/tainted.json what this erasure found. An age limit is no wrong that was done: it taints nothing."""
    found = models(settings, set(mixes))
    if found and journal.about["what"] != "age":
        known = service.taints(settings)
        for id, mix in found.items():
            note = {"receipt": journal.id, "at": journal.about["at"], "mix": mix, "rows": mixes[mix]}
            known[id] = [n for n in known.get(id, []) if n["receipt"] != journal.id] + [note]
        lineage.write_json(settings.home / "tainted.json", known)
    return found
