"""What a judge said of a user's words is forgotten with the user, and nobody else's."""

import json
from pathlib import Path

from pipeline.erase import run as erase
from pipeline.mine.judge_cache import Cache, Said, key
from pipeline.people import user_hash
from pipeline.settings import Settings
from tests.mine.world import take_in, talk


def test_what_a_judge_said_of_a_user_goes_with_the_user(home: Settings) -> None:
    take_in(home, talk("c-ann", user_id="ann"), talk("c-ben", user_id="ben"))
    cache = Cache(home)
    for name in ("ann", "ben"):
        said = Said({"quote": f"words of {name}"}, "", 1, 100)
        cache.put(key(name), said, f"c-{name}", user_hash(home, name), question="feedback")
    cache.put(key("control"), Said({"class": "praise"}, "", 1, 100), None, None, question="feedback")
    receipt = erase.users(home, ["ann"], "asked for by letter")
    assert (cache.get(key("ann")), cache.get(key("ben")) is None, cache.get(key("control")) is None) == (None, False, False)
    assert receipt["erased"]["remembered_answers"] == 1
    folder = home.home / "cache" / "judge"
    assert "words of ann" not in "".join(p.read_text() for p in Path(folder).rglob("*.json"))
    assert [json.loads(p.read_text())["conversation_id"] for p in folder.rglob("*.json") if "ben" in p.read_text()] == ["c-ben"]
