"""Read published items from the folder that a suite names as its data_dir; none of them is shipped."""

import json
from pathlib import Path
from typing import Any


def load(file: str, data_dir: str | None = None, **_: Any) -> dict[str, Any]:
    """The split `test` of one JSONL file of data_dir, one item a line."""
    import datasets

    if data_dir is None:
        raise ValueError(f"{file}: the suite names no data_dir; write `data_dir: FOLDER` into it, the folder that holds {file}")
    path = Path(data_dir) / file
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file: put {file} into the suite's data_dir or name another folder")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return {"test": datasets.Dataset.from_list(rows)}
