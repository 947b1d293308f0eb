"""Log formats: `native` is the contract's own; every other module turns one object of its files into a line of that log."""

from pipeline.errors import BadInput

NAMES = ("native", "hotfix")


def named(name: str) -> str:
    """The format asked for. `auto` is the native log: a hotfix is taken in only when somebody says that it is one."""
    if name not in ("auto", *NAMES):
        raise BadInput(f"--format {name}: unknown; this version reads {', '.join(NAMES)} (or auto)")
    return "native" if name == "auto" else name
