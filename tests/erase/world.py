"""A whole small home: logs in its inbox, a lake, pairs, a mix, a model, scores, a verdict and a report, and what stages leave beside them."""

import gzip
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline import lineage, people, service
from pipeline.evaluate import items
from pipeline.ingest.run import run as ingest
from pipeline.mine import splits
from pipeline.mine.run import run as mine
from pipeline.mix.run import run as mix
from pipeline.recipe import Mining, Mixing, Recipe, Training
from pipeline.report.run import run as report
from pipeline.settings import Settings
from tests.lineage_world import _Maker
from tests.mix.rows import pool

DAY = date(2026, 11, 20)
LESSON = Recipe(
    tasks=["mood"], mining=Mining(heldout_share=0.2), mixing=Mixing(general="small.jsonl", ratio=1), training=Training(min_rows=1, epochs=1)
)
CARD = "name: mood\nmatch: {app: helpdesk}\nanswer: {format: free}\nchecker: contains\n"
PEOPLE = 30


@dataclass
class House:
    """Who lives there, and the ids of what was made."""

    settings: Settings
    victims: list[str]
    """One who is taught from, one who is held out."""
    neighbour: str
    """One whose answers the victims spoke about."""
    logs: str
    pairs: str
    mix: str
    model: str
    report: str
    conversations: dict[str, str]
    """conversation: its user"""


def names(settings: Settings) -> tuple[list[str], list[str]]:
    """Users who are taught from, and users who are held out."""
    found = [f"person-{n:03}@example.org" for n in range(4 * PEOPLE)]
    held = [u for u in found if splits.drawn(people.user_hash(settings, u), LESSON.mining.heldout_share)]
    return [u for u in found if u not in held][:PEOPLE], held[:6]


def secret(user: str, what: str) -> str:
    """A sentence that only this user's conversations hold."""
    number = "".join(c for c in user if c.isdigit())
    return f"My aunt number {number} keeps {what} of parrots in the green house by the river"


def talk(n: int, user: str, *feedback: dict[str, Any], **more: Any) -> dict[str, Any]:
    id = f"conv-{user[7:10]}-{n}"
    asked = {
        "message_id": f"{id}-q",
        "parent_id": None,
        "role": "user",
        "content": secret(user, f"{n} question"),
        "created_at": "2026-11-20T08:00:00Z",
    }
    said = {
        "message_id": f"{id}-a",
        "parent_id": f"{id}-q",
        "role": "assistant",
        "content": secret(user, f"{n} answer"),
        "created_at": "2026-11-20T08:00:04Z",
    }
    whole = {"conversation_id": id, "user_id": user, "app": "helpdesk", "messages": [asked, said], "feedback": list(feedback)}
    return whole | more


def edit(n: int, of: str, by: str) -> dict[str, Any]:
    id = f"conv-{of[7:10]}-{n}"
    text = secret(by, f"{n} edit") + (f" seen by {of[7:10]}" if of != by else "")
    return {
        "event_id": f"ev-{id}-{by[7:10]}",
        "message_id": f"{id}-a",
        "user_id": by,
        "kind": "edit",
        "text": text,
        "created_at": "2026-11-20T08:01:00Z",
    }


def thumb(n: int, of: str, by: str) -> dict[str, Any]:
    id = f"conv-{of[7:10]}-{n}"
    return {
        "event_id": f"th-{id}-{by[7:10]}",
        "message_id": f"{id}-a",
        "user_id": by,
        "kind": "thumb",
        "value": "up",
        "created_at": "2026-11-20T08:02:00Z",
    }


def lines(taught: list[str], held: list[str]) -> list[dict[str, Any] | bytes]:
    """Everybody has two conversations; the victims speak in a neighbour's too, and the neighbour in theirs; a torn line; a waiting event."""
    victim, hidden, neighbour = taught[0], held[0], taught[1]
    found: list[dict[str, Any] | bytes] = []
    for user in [*taught, *held]:
        others = (
            [edit(0, user, victim), thumb(1, user, victim)] if user == neighbour else [thumb(1, user, neighbour)] if user == victim else []
        )
        found += [talk(0, user, edit(0, user, user), *others[:1]), talk(1, user, thumb(1, user, user), *others[1:])]
    waiting = {
        "conversation_id": "conv-nobody-9",
        "message_id": "conv-nobody-9-a",
        "user_id": victim,
        "kind": "comment",
        "text": secret(victim, "9 comment"),
    }
    found += [waiting | {"event_id": "waiting-77", "created_at": "2026-11-20T09:00:00Z"}]
    found += [json.dumps(talk(7, victim)).encode()[:-40], json.dumps(talk(7, neighbour)).encode()[:-40]]
    bad = edit(5, neighbour, hidden) | {"kind": "shout", "message_id": None}
    return [*found, talk(5, neighbour, bad)]


def write(path: Path, found: list[dict[str, Any] | bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in found)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def build(home: Settings, tiny: Path) -> House:
    """Everything that a day leaves, by the real stages as far as they need no training."""
    config = home.home.parent / "config"
    (config / "tasks").mkdir(parents=True)
    (config / "tasks" / "mood.yaml").write_text(CARD, encoding="utf-8")
    pool(config / "recipes" / "small.jsonl", 40)
    settings = replace(home, model=str(tiny), config=config)
    taught, held = names(settings)
    first = lines(taught, held)
    days = [write(settings.home / "inbox" / f"log_{DAY}.jsonl", first)]
    days.append(write(settings.home / "inbox" / "log_2026-11-21.jsonl.gz", [talk(3, u, edit(3, u, u)) for u in (taught[0], taught[2])]))
    logs = ingest([days[0]], LESSON, settings)["id"]
    pairs = mine(logs, LESSON, settings)["id"]
    ingest([days[1]], LESSON, settings)
    made = mix(pairs, LESSON, settings)["id"]
    model, page = judged(settings, pairs, made)
    beside(settings, taught[0], held[0])
    talks = [one for one in first if isinstance(one, dict) and "messages" in one]
    return House(
        settings, [taught[0], held[0]], taught[1], logs, pairs, made, model, page, {t["conversation_id"]: t["user_id"] for t in talks}
    )


def judged(settings: Settings, pairs: str, made: str) -> tuple[str, str]:
    """A model that was never trained, its answers to the held-out rows, a verdict, and the real report of it."""
    maker = _Maker(settings, DAY, LESSON.model_dump(mode="json"), str, "erase")
    model = maker.model(made, dpo=False, key=False)
    manifest = lineage.manifest(settings, model) | {"origin_sha": service.origin_sha(settings)}
    lineage.write_json(lineage.folder(settings, model) / "manifest.json", manifest)
    scores = {side: answered(settings, pairs, who) for side, who in (("candidate", model), ("champion", "origin"))}
    scores["origin"] = scores["champion"]
    verdict = maker.verdict("hold", model, "origin", scores, made)
    return model, report(verdict, LESSON, settings)["id"]


def answered(settings: Settings, pairs: str, model: str) -> str:
    id = lineage.name("scores", DAY, model, "erase")
    rows = pq.read_table(lineage.folder(settings, pairs) / "heldout.parquet").to_pylist()
    assert rows, "nobody is held out: the world proves nothing"
    with lineage.making(settings, id, parents=[] if model == "origin" else [model], recipe=LESSON.model_dump(mode="json")) as work:
        assert work
        found = [_item(n, row, model) for n, row in enumerate(rows)]
        pq.write_table(items.table(found), work.folder / "items.parquet", compression="zstd")
        lineage.write_json(work.folder / "results.json", {"results": {}})
        work.extra |= {
            "model": model,
            "weights": "0" * 64,
            "evalset": "e" * 16,
            "abilities": {},
            "settings": {"backend": "hf", "dtype": "float32"},
        }
    return id


def _item(n: int, row: dict[str, Any], model: str) -> dict[str, Any]:
    said = " ".join(m["content"] for m in row["messages"])
    facts = {"benchmark": f"heldout_{row['task']}", "ability": row["task"], "kind": "target", "doc_id": n, "doc_hash": f"doc-{n}"}
    facts |= {"prompt_hash": f"p{n}", "target_hash": f"t{n}", "occurrence": 0, "filter": "none", "metric": "correct"}
    value = float((model == "origin") == (n % 2 == 0))
    return facts | {"value": value, "cluster": row["conversation_id"], "prompt": said, "target": row["answer"], "response": f"Echo: {said}"}


def beside(settings: Settings, victim: str, hidden: str) -> None:
    """What stages leave in caches and scratch folders, and a list that a person wrote."""
    cache = settings.home / "cache" / "items" / "0123456789abcdef"
    for task in ("heldout_mood", "equipoise_reading"):
        (cache / task).mkdir(parents=True)
        answers = {"k" * 32: f"Echo: {secret(hidden, '0 question')}" if task == "heldout_mood" else "Paris"}
        (cache / task / "aa.json").write_text(json.dumps({"kind": "generate_until", "sum": "0", "answers": answers}))
    rows = settings.home / "work" / "model-20261120-00000000" / "main" / "rows.json"
    rows.parent.mkdir(parents=True)
    rows.write_text(json.dumps({"text": secret(victim, "0 edit")}))
    half = settings.home / "pairs" / "pairs-20261119-00000000"
    half.mkdir(parents=True)
    (half / "sft.parquet.tmp").write_text(secret(victim, "0 edit"))


def contents(home: Path) -> dict[str, bytes]:
    """Every file of a home, with what is packed in it: Parquet by its values, archives unpacked, the catalogue as raw bytes."""
    found = {}
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            data += (
                repr(file.read().to_pylist()).encode() + repr(file.metadata.row_group(0).to_dict() if file.num_row_groups else "").encode()
            )
        elif path.suffix == ".gz":
            data += gzip.decompress(data)
        found[str(path.relative_to(home))] = data
    return found


def traces(settings: Settings, user: str) -> list[bytes]:
    """Whatever must not be found: the id, its hash, the user's conversations and words."""
    number = user[7:10]
    own = [f"conv-{number}-{n}" for n in (0, 1, 3, 7)]
    return [
        t.encode()
        for t in (user, people.user_hash(settings, user), *own, f"aunt number {number} keeps", f"ev-conv-{number}", f'-{number}"')
    ]


def holding(home: Path, needles: list[bytes]) -> dict[str, list[str]]:
    """Files that hold any of these, and which."""
    return {name: hits for name, data in contents(home).items() if (hits := [n.decode() for n in needles if n in data])}
