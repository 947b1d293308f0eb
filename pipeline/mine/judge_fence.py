"""Log text as the judge is shown it: behind a fence that no text can forge, without signs that a chat template would obey."""

import hashlib
import re
from collections.abc import Sequence

from pipeline import people
from pipeline.progress import printable
from pipeline.settings import Settings

Part = tuple[str, str]
"""(name, text): the name is ours, the text a stranger's."""

CONTROL = re.compile(
    r"<(?=[|｜])|(?<=[|｜])>|<(?=/?(?:\w*_\w*|reponame|filename|s|bos|eos|pad|unk|mask|im_start|im_end|(?:start|end)_of_turn|start_header_id|end_header_id|eot_id|think|tool_call|tool_response|sys|system|user|assistant|human|bot)\s*>)"
    r"|<(?=<\s*/?SYS)|\[(?=\s*/?\s*INST)|\[(?=\[)",
    re.IGNORECASE,
)
"""Where a text could turn into a special token (`<|im_end|>`, `</s>`, `[INST]`, `<｜User｜>`) or look like a line of the fence."""
PASTED = re.compile(r"(?s)```.*?(?:```|$)|(?m:^[ \t]*>[^\n]*)")
HEAD = 0.6  # of a text that is too long: complaints stand at the beginning or at the end


def shown(text: str, most: int) -> str:
    """A text made harmless to a template and a terminal: a space parts what would be a token. At most so many characters, the middle left out."""
    plain = CONTROL.sub(lambda m: f"{m.group()} ", printable(text))
    if len(plain) <= most:
        return plain
    head = int(most * HEAD)
    return f"{plain[:head]}\n(… {len(plain) - most} characters left out …)\n{plain[len(plain) - most + head :]}"


def own(text: str) -> str:
    """The user's own words: code, and lines quoted from elsewhere, are somebody else's."""
    return PASTED.sub(lambda m: "\n" * m.group().count("\n"), text)


def fenced(settings: Settings, parts: Sequence[Part], salt: str = "") -> tuple[str, str]:
    """The mark, and the parts between lines that carry it.

    The mark is keyed with this home's secret and covers every character of the parts: whoever wrote one of them could not know it.
    """
    digest = hashlib.sha256("\0".join([salt, *(f"{name}\1{text}" for name, text in parts)]).encode()).hexdigest()
    mark = people.mark(settings, "fence", digest)[:16]
    while any(mark in text for _, text in parts):  # one chance in 2**64 a character; a reader of this line should not have to believe it
        mark = hashlib.sha256(mark.encode()).hexdigest()[:16]
    return mark, "\n".join(f"[[{name} {mark}]]\n{text}\n[[/{name} {mark}]]" for name, text in parts)


def said(quote: str, words: str) -> bool:
    """Whether a quote stands in these words, letter by letter; white space may differ."""
    bare = " ".join(quote.split())
    return len(bare) >= 2 and bare in " ".join(words.split())
