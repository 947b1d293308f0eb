"""Log formats: each module reads one object of a file into conversations and events. `native` is the contract's own."""

from pipeline.errors import BadInput

NAMES = ("native",)


def named(name: str) -> str:
    """The format asked for; `auto` finds the only one that this version reads."""
    if name not in ("auto", *NAMES):
        raise BadInput(f"--format {name}: unknown; this version reads {', '.join(NAMES)} (or auto)")
    return "native"
