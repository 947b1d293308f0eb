"""Samples of other tools' exports, and the comparison with what must come out of them."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.ingest import formats, read
from pipeline.ingest.derive import Clock, parents
from pipeline.ingest.formats.base import Out, Reading

SAMPLES = Path(__file__).parent / "samples"
DAY = date(2026, 11, 20)
CLOCK = Clock.of(DAY)
NAMES = sorted(p.name for p in SAMPLES.iterdir() if p.is_dir())


def logs(folder: Path) -> list[Path]:
    """The export itself, without what must come out of it."""
    return [p for p in sorted(folder.iterdir()) if not p.name.startswith("expected")]


def lines(paths: list[Path], format: str = "auto", reading: Reading | None = None) -> list[Out]:
    return list(formats.lines(read.files(paths, DAY), format, reading or Reading()))


def bodies(paths: list[Path], format: str = "auto") -> list[dict[str, Any]]:
    """What came out, as plain JSON; nothing may be refused."""
    found = lines(paths, format)
    assert [(f.name, line.number, line.problem) for f, line in found if line.problem] == []
    return json.loads(json.dumps([line.body for _, line in found]))


def expected(folder: Path, name: str = "expected_native.jsonl") -> list[dict[str, Any]]:
    text = (folder / name).read_text(encoding="utf-8")
    return [_resolved(json.loads(line)) for line in text.splitlines() if line.strip()]


def _resolved(line: dict[str, Any]) -> dict[str, Any]:
    """Every "@n" as the id that the native reader itself derives for message n."""
    line["conversation_id"] = line["conversation_id"].removeprefix("@traceId:") if "conversation_id" in line else None
    if "messages" not in line or line["conversation_id"] is None:
        return {k: v for k, v in line.items() if v is not None}
    ids: list[str] = []
    for n, message in enumerate(line["messages"]):
        for key in ("message_id", "parent_id"):
            if isinstance(message.get(key), str) and message[key].startswith("@"):
                if key == "message_id":
                    del message[key]
                else:
                    message[key] = ids[int(message[key][1:])]
        ids = parents(line["messages"][: n + 1], line["conversation_id"])[0]
    for event in line["feedback"]:
        if str(event.get("message_id", "")).startswith("@"):
            event["message_id"] = ids[int(event["message_id"][1:])]
    if isinstance(line.get("user_id"), str):
        line["user_id"] = line["user_id"].removeprefix("@hash:")
    return line


def differences(wanted: Any, found: Any, at: str = "") -> Iterator[str]:
    """Where the two differ; more keys may stand in what was found."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if key not in found:
                yield f"{at}.{key} is missing"
            elif not (
                key == "tool_calls" and isinstance(value, str)
            ):  # the shared samples say so where the contract had no place for a call
                yield from differences(value, found[key], f"{at}.{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for n, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(one, other, f"{at}[{n}]")
    elif wanted != found:
        yield f"{at}: {wanted!r} was wanted, {found!r} was found"
