"""What hearing feedback costs beside a Python loop over the same rules, in one run: `python -m evals.bench_feedback`.

Both read the same turns and must find the same (turn, rule) pairs, or the bench fails. Ours does more in its time: it also looks for repeats,
asks the guards and joins the tables. The loop compiles each rule once and searches turn after turn, as one would write it first.
"""

import argparse
import random
import re
import sys
import time
from itertools import pairwise
from typing import Any

from pipeline import lake
from pipeline.mine import implicit, implicit_rules
from pipeline.mine.implicit_rules import Table

DAY = "2026-11-20"
SYLLABLES = ("ka", "lo", "mi", "ter", "sun", "ve", "dra", "pol", "in", "ro", "the", "an", "shi", "gu", "bel", "ost")
WORDS = [a + b + c for a in SYLLABLES for b in ("", *SYLLABLES) for c in ("", "", "s", "ing")] + [
    "the",
    "a",
    "of",
    "you",
    "is",
    "it",
    "to",
] * 60
TURNS = 8  # of a conversation: three of its four user turns follow an answer
CJK = "今天天气很好我们去公园散步然后吃饭看书学习写代码做报告城市火车票价格数据模型问题答案改变颜色音乐河流"
FEEDBACK_SHARE = 0.1  # three of ten multi-turn chats hold some (arXiv 2407.10944)
TABLES = """
    create schema ingest;
    create table ingest.conversations as select 'c' || i as conversation_id, null::varchar as user_hash, 'chat' as app, true as consent from range($n) as r(i);
    create table ingest.messages as select * from turns;
    create table mine.touched (conversation_id varchar);
"""


def turns(n: int, rules: Table) -> list[dict[str, Any]]:
    """Conversations of eight turns: plain talk in English and Chinese, a tenth feedback, some pasted code and quotations."""
    draw = random.Random(7)
    said = [e for r in rules.rules for e in (r.example, r.counter, *r.also)]
    rows = []
    for c in range(n // TURNS):
        for place in range(TURNS):
            user = place % 2 == 0
            text = " ".join(
                draw.choices(WORDS, k=draw.randint(4, 90 if user else 200))
            )  # 70 and 215 tokens on average (LMSYS-Chat-1M, arXiv 2309.11998)
            if c % 5 == 0:
                text = "".join(draw.choices(CJK, k=draw.randint(6, 60)))
            if user and place and draw.random() < FEEDBACK_SHARE:
                text = draw.choice(said) + (" " + text if draw.random() < 0.3 else "")
            elif user and draw.random() < 0.05:
                text += '\n```python\nprint("this is wrong")\n```\n> you are wrong\nHe said "that makes no sense" to me'
            names = {"conversation_id": f"c{c}", "message_id": f"m{place}", "parent_id": f"m{place - 1}" if place else None}
            rows.append(names | {"day": DAY, "role": "user" if user else "assistant", "content": text, "position": place})
    return rows


def loop(rows: list[dict[str, Any]], rules: Table) -> set[tuple[str, str, str]]:
    """The same rules, turn by turn, rule by rule."""
    compiled = [(r, re.compile(r.regex(rules.filler), re.ASCII)) for r in rules.rules]
    refers = re.compile(rules.refers, re.ASCII)
    fence, line = re.compile(r"(?s)```.*?(?:```|\Z)"), re.compile(r"(?m)^[ \t]*>[^\n]*")
    quoted, space = (
        re.compile(r'"[^"\n]{3,}"|“[^”]{3,}”|「[^」]{3,}」|`[^`\n]+`|<[^<>\s]{1,40}>', re.ASCII),
        re.compile(r"[\t\n\r\f\u00a0\u3000][\s\u00a0\u3000]*|  +", re.ASCII),
    )
    straight = str.maketrans("’‘", "''")
    found = set()
    roles = {(m["conversation_id"], m["message_id"]): m["role"] for m in rows}
    for m in rows:
        if m["role"] != "user" or roles.get((m["conversation_id"], m["parent_id"])) != "assistant":
            continue
        words = quoted.sub('""', line.sub(" ", fence.sub(" ", m["content"][:4000])))
        said = space.sub(" ", words.lower().translate(straight))[:400].lstrip(" ")
        speaks = refers.search(said) is not None
        pasted = len(words) > 160 or words.count("\n") >= 3
        for rule, pattern in compiled:
            if pattern.search(said) and (speaks or (len(words) <= rule.longest and not pasted)):
                found.add((m["conversation_id"], m["message_id"], rule.id))
    return found


def ours(con: Any, rules: Table) -> set[tuple[str, str, str]]:
    """The two steps of `mine` that the loop repeats."""
    lake.run(con, "mine/implicit_turns", day=DAY, only=None)
    implicit.hits(con, rules)
    return set(con.execute("select conversation_id, message_id, rule from mine.hits").fetchall())


def clock() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def lane(n: int, rows: list[dict[str, Any]]) -> Any:
    """The turns as the lake's tables."""
    import duckdb
    import pyarrow as pa

    con = duckdb.connect()
    con.execute("attach ':memory:' as mine")
    con.register("turns", pa.Table.from_pylist(rows))
    for statement in con.extract_statements(TABLES):
        con.execute(statement, dict.fromkeys(statement.named_parameters, n))
    return con


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--turns", type=int, default=400_000, help="turns of the generated log (default 400,000)")
    rules = implicit_rules.table()
    rows = turns(arguments.parse_args().turns, rules)
    con = lane(len(rows) // TURNS, rows)
    marks = [clock()]
    sql = ours(con, rules)
    marks.append(clock())
    implicit.label(con, rules)
    marks.append(clock())
    python = loop(rows, rules)
    marks.append(clock())
    (wall, cpu), (wall_all, cpu_all), (wall_py, cpu_py) = [tuple(b - a for a, b in zip(x, y, strict=True)) for x, y in pairwise(marks)]
    print(f"{len(rows)} turns, {len(rules.rules)} rules, {len(sql)} hits of ours, {len(python)} of the loop")
    print(f"{'':34}{'wall s':>9}{'CPU s':>9}")
    for name, w, c in (
        ("mine's rules (SQL)", wall, cpu),
        ("  with repeats and guards, again", wall_all, cpu_all),
        ("Python re loop, rules", wall_py, cpu_py),
    ):
        print(f"{name:34}{w:9.2f}{c:9.2f}")
    print(f"the loop takes {wall_py / wall:.1f} times the wall and {cpu_py / cpu:.1f} times the CPU")
    if sql != python:
        sys.exit(f"the labels differ: {sorted(sql ^ python)[:5]}")


if __name__ == "__main__":
    main()
