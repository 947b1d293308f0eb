"""Real logs: what is mined is counted a second time, straight from the raw file or from the planted truth."""

import dataclasses
import difflib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from pipeline import people, settings
from pipeline.ingest.run import run as ingest
from pipeline.mine.run import run
from pipeline.recipe import Mining, Recipe
from pipeline.settings import Settings
from tests.mine.world import Row, signals, table

pytestmark = pytest.mark.slow  # whole real logs

DAYS = [f"2026-11-{n}" for n in range(10, 16)]
FREELY = Mining(heldout_share=0.0, max_rows_per_user_day=10_000, full_rows_per_user_day=10_000, max_voice_share=1.0, lint="warn")


def raw(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def mined(path: Path, home: Settings) -> Row:
    recipe = Recipe(mining=FREELY, tasks=[])
    return run(ingest([path], recipe, home, day=date(2026, 11, 9))["id"], recipe, home)


def likeness(a: str, b: str) -> float:
    words = max(len(a), len(b)) > 500
    parts = [re.findall(r"\w+|\W", t) if words else t for t in (a.strip(), b.strip())]
    return difflib.SequenceMatcher(None, *parts, autojunk=False).ratio()


def edits(talks: list[Row]) -> list[tuple[str, str]]:
    """(answer, edit) of every edit that has text and changes something."""
    found = []
    for t in talks:
        contents = {m["message_id"]: m["content"] for m in t["messages"]}
        found += [(contents[f["message_id"]], f["text"]) for f in t["feedback"] if f["kind"] == "edit"]
    return [(a, e) for a, e in found if e.strip() and e.strip() != a.strip()]


def test_every_pick_and_edit_of_finegrained_rlhf_is_mined(data: Path, home: Settings) -> None:
    talks = raw(data / "logs" / "finegrained_rlhf.jsonl")
    picks = {(t["conversation_id"], f["message_id"], f["over"][0]) for t in talks for f in t["feedback"] if f["kind"] == "choose"}
    ties = {(t["conversation_id"], f["message_id"], f["over"][0]) for t in talks for f in t["feedback"] if f.get("value") == "tie"}
    found = mined(data / "logs" / "finegrained_rlhf.jsonl", home)
    told = edits(talks)
    cosmetic = sum(likeness(a, e) > 0.9 for a, e in told)
    assert (found["examples"], found["pairs"]) == (len(told), len(picks) - len(ties) + len(told) - cosmetic)
    assert (found["dropped"]["tie"], found["dropped"]["cosmetic_edit"]) == (384, cosmetic)


def test_every_heavy_edit_of_lamp_is_mined_though_editors_disagree(data: Path, home: Settings) -> None:
    told = edits(raw(data / "logs" / "lamp_edits.jsonl"))
    found = mined(data / "logs" / "lamp_edits.jsonl", home)
    cosmetic = sum(likeness(a, e) > 0.9 for a, e in told)
    assert (len(told), found["examples"], found["pairs"]) == (150, 150, 150 - cosmetic) and 0 < cosmetic < 30


def test_rankings_of_lamp_are_settled_by_majority(data: Path, home: Settings) -> None:
    won, contested, lost = 0, 0, 0
    for t in raw(data / "logs" / "lamp_rankings.jsonl"):
        text = {m["message_id"]: m["content"].strip() for m in t["messages"]}
        votes: Counter = Counter()
        for f in t["feedback"]:
            votes.update((text[f["message_id"]], text[o]) for o in f["over"])
        for a, b in combinations(sorted({x for pair in votes for x in pair}), 2):
            most, least = sorted((votes[a, b], votes[b, a]), reverse=True)
            won += most > least
            lost += least if most > least else 0
            contested += 2 * most if most == least else 0
    found = mined(data / "logs" / "lamp_rankings.jsonl", home)
    assert found["pairs"] == won and won > 500
    assert {k: found["dropped"].get(k, 0) for k in ("outvoted", "conflict")} == {"outvoted": lost, "conflict": contested}


def test_every_sound_pick_of_hh_rlhf_is_a_pair_on_its_own_branch(data: Path, home: Settings) -> None:
    sound = set()
    for t in raw(data / "logs" / "hh_rlhf_harmless.jsonl"):
        turns = {m["message_id"]: m for m in t["messages"]}
        (pick,) = t["feedback"]
        paths = []
        for leaf in (pick["message_id"], *pick["over"]):
            path, here = [turns[leaf]], turns[leaf]["parent_id"]
            while here:
                path.insert(0, turns[here])
                here = turns[here]["parent_id"]
            paths.append(path)
        blank = any(not m["content"].strip() for p in paths for m in p)
        clash = any(a["role"] == b["role"] for p in paths for a, b in pairwise(p))
        if (
            not blank
            and not clash
            and paths[0][:-1] == paths[1][:-1]
            and paths[0][-1]["content"].strip() != paths[1][-1]["content"].strip()
        ):
            sound.add((t["conversation_id"], pick["message_id"], pick["over"][0]))
    found = mined(data / "logs" / "hh_rlhf_harmless.jsonl", home)
    rows = table(home, found["id"], "dpo")
    kept = {(r["conversation_id"], *r["message_ids"]) for r in rows}
    assert kept <= sound and len(sound - kept) == found["dropped"].get("duplicate", 0)
    assert max(len(r["prompt"]) for r in rows) > 5


@dataclasses.dataclass
class Intent:
    """The six days of intent logs, mined freely and by the default rules, and what was planted."""

    home: Settings
    free: list[Row]
    guarded: list[Row]
    truth: list[Row]
    prompt: dict[str, str]

    def rows(self, runs: list[Row], kind: str) -> list[Row]:
        return [row for r in runs for row in table(self.home, r["id"], kind)]


@pytest.fixture(scope="module")
def intent(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intent]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EQUIPOISE_HOME", str(tmp_path_factory.mktemp("intent")))
        patch.setenv("EQUIPOISE_USER_KEY", "0" * 64)
        home = settings.load()
    logs = [ingest([data / "logs" / f"intent_{day}.jsonl"], Recipe(), home)["id"] for day in DAYS]
    free, guarded = ([run(id, Recipe(mining=m, tasks=["intent"]), home) for id in logs] for m in (FREELY, Mining()))
    lines = [line for day in DAYS for line in raw(data / "logs" / f"intent_{day}.jsonl") if "messages" in line]
    prompts = {line["conversation_id"]: line["messages"][0]["content"] for line in lines}
    yield Intent(home, free, guarded, raw(data / "truth" / "intent_truth.jsonl"), prompts)


def test_every_planted_event_is_a_signal_of_its_day(intent: Intent) -> None:
    planted: Counter = Counter()
    for t in intent.truth:
        for e in {(e["kind"]): e for e in t["events"]}.values():  # one state a kind: later events of a kind stand last
            planted[max(t["day"], e["arrives_in"][7:17]), e["kind"]] += 1
    found = Counter((day, s["signal"]) for day, r in zip(DAYS, intent.free, strict=True) for s in signals(intent.home, r["id"]))
    assert found == planted and sum(planted.values()) > 550


def test_the_rows_of_each_day_are_those_that_the_truth_gives(intent: Intent) -> None:
    for day, result in zip(DAYS, intent.free, strict=True):
        sft, kto = expected(intent, day)
        rows = table(intent.home, result["id"], "sft")
        assert {(r["messages"][0]["content"], r["messages"][-1]["content"]) for r in rows} == sft and len(rows) == len(sft)
        votes = table(intent.home, result["id"], "kto")
        assert {(r["prompt"][-1]["content"], r["completion"][0]["content"], r["label"]) for r in votes} == kto and len(votes) == len(kto)


def expected(intent: Intent, day: str) -> tuple[set, set]:
    """Rows of one day from the planted truth alone: who said what of which answer, and where they contradict each other."""
    labels = {t["gold"] for t in intent.truth}
    words = []
    for t in intent.truth:
        since = [max(t["day"], e["arrives_in"][7:17]) for e in t["events"]]
        news = t["day"] == day or any(e["arrives_in"][7:17] == day for e in t["events"])
        last = {e["kind"]: (e, s) for e, s in zip(t["events"], since, strict=True) if s <= day and news}
        edit, thumb = last.get("edit"), last.get("thumb")
        if edit and edit[0]["text"] in labels and edit[0]["text"] != t["answer"]:
            words.append((intent.prompt[t["conversation_id"]], t["answer"], t["user_id"], edit[0]["text"], edit[1]))
        elif thumb:
            words.append((intent.prompt[t["conversation_id"]], t["answer"], t["user_id"], thumb[0]["value"] == "up", thumb[1]))
    words = settled(words, lambda w: w[:2], lambda w: w[3] is True)
    said = settled([w for w in words if isinstance(w[3], str)], lambda w: w[0], lambda w: w[3])
    votes = [w for w in words if not isinstance(w[3], str)]
    return {(w[0], w[3]) for w in said if w[4] == day}, {(w[0], w[1], w[3]) for w in votes if w[4] == day}


def settled(words: list[tuple], place, side) -> list[tuple]:
    groups = defaultdict(list)
    for w in words:
        groups[place(w)].append(w)
    kept = []
    for group in groups.values():
        voices = Counter(s for s, _ in {(side(w), w[2]) for w in group})
        (best, n), rest = voices.most_common(1)[0], sum(voices.values())
        kept += [w for w in group if side(w) == best] if len(voices) == 1 or 2 * n - rest >= 1 else []
    return kept


def test_planted_noise_that_needs_no_model_is_caught(intent: Intent) -> None:
    noise = Counter(e["truth"] for t in intent.truth for e in t["events"])
    dropped = Counter(reason for r in intent.free for reason, n in r["dropped"].items() for _ in range(n))
    assert dropped["edit_equals_answer"] == noise["noise:edit_equals_answer"] == 2
    assert dropped["format_label"] == noise["noise:edit_is_chatter"] == 2
    assert dropped["own_conflict"] == noise["noise:up_and_edit_on_one_message"] == 3
    assert dropped["superseded"] == noise["noise:up_then_down"] == 2


def test_honest_edits_are_all_mined_but_for_those_that_the_brigade_contradicts(intent: Intent) -> None:
    kept = {e for r in intent.rows(intent.free, "sft") for e in json.loads(r["evidence"])["events"]}
    same = {e for r in intent.rows(intent.free, "dropped") if r["reason"] == "duplicate" for e in json.loads(r["evidence"])["events"]}
    honest = {e["event_id"]: t for t in intent.truth for e in t["events"] if e["truth"] == "honest" and e["kind"] == "edit"}
    attacked = {intent.prompt[t["conversation_id"]] for t in intent.truth if t["brigade"]}
    missing = [t for e, t in honest.items() if e not in kept | same]
    assert all(intent.prompt[t["conversation_id"]] in attacked for t in missing) and len(missing) <= 15 and len(honest) == 228


def test_the_default_rules_keep_the_brigade_under_its_cap(intent: Intent) -> None:
    brigade = people.user_hash(intent.home, "u-40")
    rows = Counter(r["user_hash"] == brigade for kind in ("sft", "dpo", "kto") for r in table(intent.home, intent.guarded[3]["id"], kind))
    assert rows[True] <= 50 and intent.guarded[3]["dropped"]["user_cap"] >= 100


def test_held_out_users_are_in_no_training_row_of_any_day(intent: Intent) -> None:
    held = intent.rows(intent.guarded, "heldout")
    taught = [row for kind in ("sft", "dpo", "kto") for row in intent.rows(intent.guarded, kind)]
    owners = {h["user_hash"] for h in held}
    assert 1 <= len(owners) <= 10 and len(taught) > 300
    assert owners.isdisjoint(r["user_hash"] for r in taught)
    gold = {intent.prompt[t["conversation_id"]]: t["gold"] for t in intent.truth}
    assert all(h["messages"][-1]["role"] == "user" and h["answer"] in set(gold.values()) for h in held)
    for result in intent.guarded:
        asked = {h["messages"][-1]["content"] for h in table(intent.home, result["id"], "heldout")}
        assert asked.isdisjoint(r["messages"][0]["content"] for r in table(intent.home, result["id"], "sft"))
