"""Hand lm-eval the items that lie beside its task file, from whatever folder it is run."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def load(file: str, data_dir: str | None = None, **_: Any) -> dict[str, Any]:
    """The split `test` of one JSONL file: beside this module, or in `data_dir` when the suite names one."""
    import datasets

    path = Path(data_dir or HERE) / file
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file of items: let the suite's data_dir name the folder that holds {file}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return {"test": datasets.Dataset.from_list(rows)}
