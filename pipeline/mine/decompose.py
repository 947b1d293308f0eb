"""A task too hard in one go, in parts: first the outline, then one part at a time, cut out of an answer that a user wrote or kept."""

import re
from collections.abc import Iterator

from pipeline.mine.candidates import plain
from pipeline.mine.contexts import Message
from pipeline.spec import Decomposition

MARKS = {
    "headings": re.compile(r"^#{1,6}[ \t]+(?P<name>\S[^\n]*)$", re.MULTILINE),
    "steps": re.compile(r"^(?:\d{1,2}[.)、]|第[一二三四五六七八九十]{1,3}步[:：]?)[ \t]*(?P<name>\S[^\n]*)$", re.MULTILINE),
}
LEAST_PARTS, MOST_PARTS = 2, 20
NAME_CHARS = 200  # a longer line is no heading
Turns = list[Message]


def parts(question: str, answer: str, how: Decomposition) -> Iterator[tuple[str, Turns, str]]:
    """(way, turns, answer): the outline of the answer, then each part of it with the outline before it. Nothing where it has no parts."""
    found = [(m.group("name").strip("# \t\r"), m.start()) for m in MARKS[how.by].finditer(answer)]
    named = all(0 < len(name) <= NAME_CHARS for name, _ in found)
    if "```" in answer or not named or not LEAST_PARTS <= len(found) <= MOST_PARTS:  # in code, `#` begins a remark
        return
    outline = "\n".join(f"{i}. {name}" for i, (name, _) in enumerate(found, 1))
    asked = plain("user", f"{question}\n\n{how.outline}")
    yield "outline", [asked], outline
    ends = [start for _, start in found[1:]] + [len(answer)]
    for i, ((name, start), end) in enumerate(zip(found, ends, strict=True), 1):
        # The name is a stranger's text: it goes in as a value, and a brace in it means nothing.
        yield f"part {i}", [asked, plain("assistant", outline), plain("user", how.part.replace("{part}", name))], answer[start:end].strip()
