"""A phase of a lesson: which rows, from which weights, at which rate. Plain values, so that a child process can be handed one."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Phase:
    """One run of one trainer. Its folder holds the rows, the checkpoints, the losses and at last the weights under `final`."""

    name: str
    """main | key | dpo | kto"""
    folder: Path
    base: Path
    """Full weights to start from: the origin, or a model whose weights were all trained."""
    words: Path
    """Folder of the tokenizer: the origin's."""
    adapter: Path | None
    """Adapter to continue, from the phase before or from the champion; None starts a fresh one."""
    values: dict[str, Any]
    """The plan's values, with this phase's own `rate` and `passes`."""

    @property
    def final(self) -> Path:
        return self.folder / "final"

    @property
    def losses(self) -> Path:
        return self.folder / "losses.jsonl"

    @property
    def rows(self) -> Path:
        return self.folder / "rows.json"

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Put the token ids where the trainer's process finds them. The folder is private: they are users' words."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.rows.write_text(json.dumps(rows), encoding="utf-8")

    def dumps(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def loads(cls, text: str) -> "Phase":
        found = json.loads(text)
        paths = {k: Path(found[k]) if found[k] else None for k in ("folder", "base", "words", "adapter")}
        return cls(**(found | paths))
