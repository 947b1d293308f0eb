"""What a judge said is kept whole: by two processes at once, through kills, and apart by everything that the reply depends on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipeline.mine.judge_cache import Cache, Said, key
from pipeline.settings import Settings
from tests.mine.judges import TRUST, Endpoint, Knowing, court, endpoint, three

WRITER = """
import sys
from pathlib import Path
from types import SimpleNamespace
from pipeline.mine.judge_cache import Cache, Said, key
cache, n = Cache(SimpleNamespace(home=Path(sys.argv[1]))), 0
print("up", flush=True)
while True:
    n += 1
    cache.put(key(n % 40), Said({"quote": "x" * 20000, "n": n % 40}, "", 1, n), "c", "u", who=sys.argv[2])
"""
SAID = Said({"class": "praise"}, "", 2, 300)


def test_what_was_said_comes_back_and_says_that_it_is_remembered(home: Settings) -> None:
    cache = Cache(home)
    cache.put(key("a"), SAID, "c1", "u1", question="feedback")
    found = cache.get(key("a"))
    assert found == Said(SAID.reply, "", 2, 300, remembered=True) and cache.get(key("b")) is None
    (path,) = (home.home / "cache" / "judge").glob("*/*.json")
    assert path.stat().st_mode & 0o777 == 0o600, "it quotes users: nobody else on this machine reads it"


def test_a_file_that_lost_bytes_is_asked_again(home: Settings) -> None:
    cache = Cache(home)
    for torn in ("", "{", "[]", '{"reply": null}', "\x00\x01"):
        cache.put(key("a"), SAID, None, None)
        (path,) = (home.home / "cache" / "judge").glob("*/*.json")
        path.write_text(torn)
        assert cache.get(key("a")) is None


def test_writers_that_are_killed_leave_only_whole_replies(home: Settings) -> None:
    command = [sys.executable, "-c", WRITER, str(home.home)]
    root = Path(__file__).parents[2]
    for kill in range(4):
        both = [subprocess.Popen([*command, who], stdout=subprocess.PIPE, cwd=root) for who in ("a", "b")]
        for child in both:
            assert child.stdout and child.stdout.readline() == b"up\n"
        time.sleep(0.2 + 0.07 * kill)
        for child in both:
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
        cache = Cache(home)
        found = {n: cache.get(key(n)) for n in range(40)}
        assert any(found.values())
        assert all(said is None or (said.reply or {})["n"] == n for n, said in found.items())
        for path in (home.home / "cache" / "judge").glob("*/*.json"):
            json.loads(path.read_text())


def test_the_key_covers_judge_extras_prompt_and_input(home: Settings) -> None:
    talks = [three("c1", "That's wrong.")]

    def asked(here: Endpoint, **more: object) -> int:
        n = len(here.requests)
        court(home, here, *(more.pop("talks", talks)), judging=TRUST.model_copy(update=more))  # type: ignore[misc]
        return len(here.requests) - n

    with endpoint(Knowing({"That's wrong.": "complaint"})) as here:
        assert asked(here) == 29 and asked(here) == 0
        assert asked(here, max_tokens=512) == 29, "another limit, another reply"
        assert asked(here, talks=[three("c2", "That's wrong.", "red")]) == 5, "another answer; the control questions are the batch's"
        assert asked(here, talks=[three("c3", "That's wrong.")]) == 0, "the same words in another conversation are the same question"


def test_equal_questions_of_one_batch_are_asked_once(home: Settings) -> None:
    talks = [three(f"c{n}", "That's wrong.", user=f"u{n}") for n in range(8)]
    with endpoint(Knowing({"That's wrong.": "complaint"})) as here:
        found = court(home, here, *talks, judging=TRUST.model_copy(update={"parallel": 8}))
        assert len(here.requests) == 24 + 5 and found.ruled.account["calls"] == 24 + 8 * 5, "and each counts in the budget"
