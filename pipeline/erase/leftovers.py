"""What no rule knows how to clean: files in home that still hold an id or a text, listed for a person. None of them is changed."""

from collections.abc import Iterator
from pathlib import Path

from pipeline import STAGES, lineage
from pipeline.erase.gone import Gone
from pipeline.settings import Settings

SWEPT = {*STAGES.values(), "lake", "work", "locks", "models", "erasures", "keys"}
MOST_BYTES = 64 * 1024 * 1024  # larger files under home are weights or archives


def find(settings: Settings, gone: Gone, sources: set[str]) -> list[str]:
    """Places, relative to home. A name that itself holds an id is given by its folder: a receipt names nobody.

    sources: sha256 of the files that brought what is erased; one that still lies here, in a shape that nothing rewrites, holds it.
    """
    found = set()
    for path in _others(settings.home):
        place = str(path.relative_to(settings.home))
        if gone.words.hold(place.replace("/", " ").replace("_", " ")):
            found.add(f"{path.parent.relative_to(settings.home)}/ (a file's name)")
        elif (place.startswith("inbox") and lineage.sha256(path) in sources) or (path.stat().st_size <= MOST_BYTES and _holds(path, gone)):
            found.add(place)
    return sorted(found)


def _others(home: Path) -> Iterator[Path]:
    for path in sorted(home.iterdir()):
        if path.is_dir() and path.name not in SWEPT:
            yield from (p for p in sorted(path.rglob("*")) if p.is_file())
        elif path.is_file():
            yield path


def _holds(path: Path, gone: Gone) -> bool:
    return any(gone.words.hold(line) for line in path.read_bytes().decode("utf-8", "replace").splitlines())
