"""Who may promote what: a pure reading of the verdict and the recipe's approval."""

from typing import Literal

from pipeline.errors import Permanent

Step = Literal["promote", "ask", "keep", "never"]
STRICTNESS = ("auto", "on_hold", "always")


class Blocked(Permanent):
    """A blocked verdict cannot be approved, by anybody."""


class NeedsPerson(Permanent):
    """The gate alone may not promote this: run again with --by."""


def step(verdict: str, approval: str) -> Step:
    """What happens when nobody says anything: promote by itself, ask a person, keep the champion unasked, or never."""
    if verdict == "block":
        return "never"
    if verdict == "promote" and approval != "always":
        return "promote"
    return "keep" if approval == "auto" else "ask"


def strictest(*approvals: str | None) -> str:
    """A lesson sealed under `always` stays so, whatever recipe is named at promotion; an unknown word counts as `always`."""
    given = [a if a in STRICTNESS else "always" for a in approvals if a is not None]
    return max(given, key=STRICTNESS.index, default="always")


def allow(report: str, verdict: str, approval: str, by: str | None) -> None:
    """Raise unless this promotion may go ahead."""
    todo = step(verdict, approval)
    if todo == "never":
        raise Blocked(
            f"{report} reports a blocked verdict, and a block is never promoted, by anybody: mend the lesson and run the day again"
        )
    if todo in ("ask", "keep") and not by:
        why = "its lesson always asks a person" if approval == "always" else f"its verdict is {verdict}"
        raise NeedsPerson(f'{report} needs a person ({why}, approval: {approval}): equipoise promote {report} --by YOU --note "why"')
