"""The list of reasons is closed: the code names each of them, and no other."""

from pathlib import Path

from pipeline.mine import reasons
from pipeline.mine.reasons import REASONS

READ_FROM_THE_LOG = {"tie", "both_bad"}
"""Values of a pick that are reasons themselves."""


def test_every_reason_is_given_somewhere_and_says_why() -> None:
    room = Path(reasons.__file__).parent
    code = "\n".join(p.read_text(encoding="utf-8") for p in room.glob("*.py") if p.name != "reasons.py")
    unused = {r for r in REASONS if f'"{r}"' not in code}
    assert len(REASONS) > 30 and not unused
    assert all(len(why) > 15 for why in REASONS.values())
    assert set(REASONS) >= READ_FROM_THE_LOG
