"""What the search for personal data costs beside a chain of `re.sub` with the same rules on every text: `python -m evals.bench_private`.

All sides run in one process over the same texts and must find the same values in all of them; the ratio of their CPU seconds is printed last.
The chain is what one writes first: for each rule, `pattern.sub` over each text, with the rule's own belief deciding about each match.
"""

import argparse
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from evals.bench_ingest import conversation
from pipeline.ingest.folding import folded
from pipeline.ingest.rules import RULES
from pipeline.ingest.scrub import TAKEN, Scrubber, suspects
from pipeline.ingest.shapes import BEFORE_CHARS, Found, Rule

PLANTED = (
    "write to user{n}@example.com", "or call +49 30 {n}", "my number is 0151 2{n}", "card 4242 4242 4242 4242", "from 203.0.113.{small}",
    "IBAN DE89 3704 0044 0532 0130 00", "SSN 457-55-{four}", "身份证 11010519491231002X", "token: ghp_abcdefghijklmnopqrst{n}x", "https://bob:hunter{n}@example.com/x",
)  # fmt: skip
Hit = tuple[str, str]


def prose(n: int, draw: random.Random) -> Iterator[str]:
    """Turns of bench_ingest, without what it plants."""
    for message in conversation(50 * n + 1, draw)["messages"]:
        yield message["content"]


def log(n: int, draw: random.Random) -> Iterator[str]:
    """What programmers paste: times, ids, sizes, versions, hexadecimal, prices, and code between them."""
    for _ in range(4):
        lines = []
        for _ in range(draw.randint(3, 8)):
            at = f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02} {draw.randint(0, 23):02}:{draw.randint(0, 59):02}:{draw.random() * 60:06.3f}"
            lines.append(
                draw.choice(
                    (
                        f"{at} INFO worker-{draw.randint(1, 64)} took {draw.randint(10, 99999)} ms, {draw.randint(10**6, 10**9)} bytes",
                        f"{at} ERROR [req {draw.getrandbits(64):016x}] GET /api/v2/orders/{draw.randint(10**7, 10**8)} {draw.choice((200, 404, 500))} {draw.random():.4f}",
                        f"    total = {draw.randint(1, 10**6)} * {draw.random():.6f} + values[{draw.randint(0, 99)}]  # line {draw.randint(1, 9999)}",
                        f"order {draw.randint(10**9, 10**10)}: {draw.randint(1, 9)} x ${draw.randint(1, 999)},{draw.randint(100, 999)}.{draw.randint(10, 99)} paid",
                        f"torch=={draw.randint(1, 2)}.{draw.randint(0, 13)}.{draw.randint(0, 9)} sha256:{draw.getrandbits(128):032x} ts={draw.randint(17 * 10**11, 18 * 10**11)}",
                    )
                )
            )
        yield "\n".join(lines)


def texts(kind: Callable[[int, random.Random], Iterator[str]], count: int) -> list[str]:
    """A fiftieth of them holds personal data."""
    draw = random.Random(11)
    found = [text for n in range(count // 4) for text in kind(n, draw)]
    for i in range(0, len(found), 50):
        number = 1_000_000 + i
        found[i] += " " + PLANTED[i // 50 % len(PLANTED)].format(n=number, small=1 + i % 250, four=1000 + i % 9000)
    return found


def substituted(text: str, rule: Rule, hits: list[Hit]) -> str:
    def judge(match: re.Match[str]) -> str:
        named = "value" in rule.pattern.groupindex and match.group("value") is not None
        start, end = match.span("value") if named else match.span()
        before = text[max(0, start - BEFORE_CHARS) : start].lower()
        length = rule.believed(Found(text[start:end], before, text[end : end + 16]))
        if not length:
            return match.group()
        hits.append((rule.kind, text[start : start + length]))
        return text[match.start() : start] + TAKEN * length + text[start + length : match.end()]

    return rule.pattern.sub(judge, text)


def chain(column: list[str]) -> list[list[Hit]]:
    found = []
    for text in column:
        hits: list[Hit] = []
        work = folded(text)[0]
        for rule in RULES:
            work = substituted(work, rule, hits)
        found.append(sorted(hits))
    return found


def ours(column: list[str]) -> list[list[Hit]]:
    """As ingest does it: look at all, search those worth it by the rules that they need."""
    worth = suspects(column)
    scrubber = Scrubber(worth)
    return [sorted((kind, value) for _, _, kind, value in scrubber.spans(t, needs=worth.needs[t])) if t in worth else [] for t in column]


def one_by_one(column: list[str]) -> list[list[Hit]]:
    """The rules behind their gates ('@', four digits, a maker's prefix) on every text, without the look at columns."""
    scrubber = Scrubber()
    return [sorted((kind, value) for _, _, kind, value in scrubber.spans(text)) for text in column]


def cost(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--texts", type=int, default=20_000, help="texts of each kind (default 20,000)")
    count = arguments.parse_args().texts
    chain(warm := texts(prose, 400)), ours(warm)
    ratios = {}
    for name, kind in (("prose", prose), ("logs and code", log)):
        column = texts(kind, count)
        slow, expected = cost(lambda column=column: chain(column))
        runs = [cost(lambda column=column: ours(column)) for _ in range(3)]
        quick = sorted(seconds for seconds, _ in runs)[1]
        gated, same = cost(lambda column=column: one_by_one(column))
        assert all(found == expected for found in (same, *(found for _, found in runs))), "the sides disagree"
        hits, worth = sum(map(len, expected)), len(suspects(column))
        ratios[name] = slow / quick
        print(
            f"{name}: {len(column)} texts, {sum(map(len, column)) / 1e6:.1f} M characters, {worth} searched, {hits} values, the same on all sides"
        )
        print(f"  re.sub chain {slow:7.2f} CPU s   {slow / len(column) * 1e6:7.1f} us a text")
        print(f"  one by one   {gated:7.2f} CPU s   {gated / len(column) * 1e6:7.1f} us a text, behind the rules' own gates")
        print(f"  ours         {quick:7.2f} CPU s   {quick / len(column) * 1e6:7.1f} us a text (median of 3)")
    print("; ".join(f"{name}: {ratio:.0f} times" for name, ratio in ratios.items()))


if __name__ == "__main__":
    main()
