"""DeepSpeed compiles parts of itself on first use, and whoever compiles holds a lock: a file that a killed one leaves behind for ever.

Every later training would wait for it without a word. Who compiles keeps that file open, so a lock that no process has open is nobody's.
"""

import contextlib
import os
from pathlib import Path

from pipeline.progress import say
from pipeline.settings import child_environment


def folder() -> Path:
    """Where torch puts what it compiles."""
    from torch.utils.cpp_extension import get_default_build_root

    return Path(child_environment().get("TORCH_EXTENSIONS_DIR") or get_default_build_root())


def unlock(at: Path) -> list[Path]:
    """Remove the locks below a folder that nobody on this machine holds; returns them. Where /proc is missing nobody can tell: all stay."""
    locks = [path for path in at.rglob("lock") if path.is_file()]
    if not locks or not Path("/proc/self/fd").exists():
        return []
    held = _open_files()
    left = [path for path in locks if os.path.realpath(path) not in held]
    for path in left:
        say(f"{path}: left by a compilation that was killed; removed, or this training would wait for it for ever")
        path.unlink(missing_ok=True)
    return left


def _open_files() -> set[str]:
    """Paths that processes of this machine have open, as far as this user may look."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):  # it ended, or it is somebody else's
            for one in place.iterdir():
                with contextlib.suppress(OSError):
                    found.add(os.readlink(one))
    return found
