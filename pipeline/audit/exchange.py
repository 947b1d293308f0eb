"""Cases out to a spreadsheet or an annotation tool, and verdicts back in: CSV, or JSONL in the shape of Argilla's records.

A file holds users' words: it is readable by its owner alone, and an erasure reaches it only as long as it lies in home, where `forget` names it.
"""

import csv
import json
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from pipeline.audit.book import LONGEST_NOTE, WORDS
from pipeline.audit.cases import Case, spoken
from pipeline.errors import BadInput

KINDS = (".csv", ".jsonl")
COLUMNS = ("case", "pairs", "rule", "task", "table", "context", "answer", "said", "proposed", "verdict", "note")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
MOST_CELL = 64 * 1024 * 1024  # csv's own limit of 128 kB is less than one long conversation

Row = dict[str, Any]


def kind(path: Path) -> str:
    if path.suffix.lower() not in KINDS:
        raise BadInput(f"{path}: the name must end in .csv or .jsonl")
    return path.suffix.lower()


def write(path: Path, cases: list[Case], pairs: str, version: int | None, said: dict[str, tuple[str, str]]) -> None:
    """All cases, with this person's verdicts (case: verdict and note) where there are any. Never over an existing file: somebody may have worked in it."""
    text = _csv(cases, pairs, said) if kind(path) == ".csv" else _jsonl(cases, pairs, version, said)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        raise BadInput(f"{path} exists already and may hold verdicts; import it, or choose another name") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; choose a place that can be written") from None
    finally:
        draft.unlink(missing_ok=True)


def _shown(case: Case) -> dict[str, str]:
    """What a person needs to see, as text."""
    return {
        "context": "\n\n".join(f"{m['role']}: {spoken(m)}" for m in case.context),
        "answer": case.answer,
        "said": case.said,
        "proposed": "\n\n".join(f"{name}: {text}" for name, text in case.proposed),
    }


def _csv(cases: list[Case], pairs: str, said: dict[str, tuple[str, str]]) -> str:
    """Excel reads the byte order mark as UTF-8; a cell that a spreadsheet would run as a formula begins with an apostrophe instead."""
    paper = StringIO()
    table = csv.DictWriter(paper, COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for c in cases:
        verdict, note = said.get(c.id, ("", ""))
        row = {"case": c.id, "pairs": pairs, "rule": c.rule, "task": c.task, "table": c.table, "verdict": verdict, "note": note}
        table.writerow({name: inert(text) for name, text in (row | _shown(c)).items()})
    return "\ufeff" + paper.getvalue()


def inert(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell


def _jsonl(cases: list[Case], pairs: str, version: int | None, said: dict[str, tuple[str, str]]) -> str:
    """Records as `rg.Record.from_dict` of Argilla 2 reads them; the suggestion is what mine believes, with the row's weight as its score."""
    lines = []
    for c in cases:
        verdict, note = said.get(c.id, ("", ""))
        answers = {"verdict": verdict, "note": note}
        record = {
            "id": c.id,
            "fields": _shown(c),
            "metadata": {"pairs": pairs, "rule": c.rule, "task": c.task, "table": c.table, "version": version},
            "suggestions": {
                "verdict": {"value": "right", "score": max(0.0, min(1.0, c.weight)), "agent": f"equipoise mine {version or ''}".strip()}
            },
            "responses": {name: [{"value": value}] for name, value in answers.items() if value},
        }
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    return "".join(lines)


def read(path: Path) -> list[Row]:
    """Judged rows as {where, case, pairs, verdict, note}; rows without a verdict are left out. All that is wrong is said at once, a line each."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is no UTF-8; save the file as `CSV UTF-8`") from None
    wrong: list[str] = []
    rows = []
    for where, row in _table(path, text, wrong) if kind(path) == ".csv" else _records(path, text, wrong):
        fault = _fault(row)
        if fault:
            wrong.append(f"{where}: {fault}")
        elif row["verdict"]:
            rows.append(row | {"where": where})
    refuse(path, wrong)
    return rows


def refuse(path: Path, wrong: list[str]) -> None:
    """Stop before anything is written, with every bad row named."""
    if wrong:
        raise BadInput("\n".join([*wrong, f"{path}: {len(wrong)} bad, nothing was imported; mend them and import the file again"]))


def _fault(row: Row) -> str | None:
    if not all(isinstance(row[name], str) for name in ("case", "pairs", "verdict", "note")):
        return "case, pairs, verdict and note must be text"
    if not row["verdict"]:
        return None
    if row["verdict"] not in WORDS:
        return f"verdict {row['verdict'][:40]!r} is none of {', '.join(WORDS)}"
    if not row["case"] or not row["pairs"]:
        return f"{'case' if not row['case'] else 'pairs'} is empty; it says what was judged: take it from the exported file"
    return f"the note has {len(row['note'])} characters, at most {LONGEST_NOTE}" if len(row["note"]) > LONGEST_NOTE else None


def _table(path: Path, text: str, wrong: list[str]) -> Iterator[tuple[str, Row]]:
    csv.field_size_limit(MOST_CELL)
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","  # what a German Excel saves
    table = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter)
    missing = [name for name in ("case", "pairs", "verdict") if name not in (table.fieldnames or [])]
    if missing:
        wrong.append(f"{path}:1: no column {missing[0]!r}; the first line names the columns as they were exported")
        return
    try:
        for row in table:
            cells = {name: (row.get(name) or "").strip() for name in ("case", "pairs", "verdict", "note")}
            note = cells["note"]
            plain = note[1:] if note.startswith("'") and inert(note[1:]) == note else note
            yield f"{path}:{table.line_num}", cells | {"verdict": cells["verdict"].lower(), "note": plain}
    except csv.Error as error:
        wrong.append(f"{path}:{table.line_num}: {error}")


def _records(path: Path, text: str, wrong: list[str]) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
            metadata = record.get("metadata") or {}
            verdict, note = (_response(record, name) for name in ("verdict", "note"))
            yield where, {"case": record.get("id"), "pairs": metadata.get("pairs"), "verdict": verdict, "note": note}
        except (ValueError, AttributeError, TypeError, KeyError, IndexError, RecursionError) as error:
            wrong.append(f"{where}: {error if isinstance(error, ValueError) else 'no record as it was exported'}")


def _response(record: Row, name: str) -> Any:
    """The one person's answer to a question, as Argilla 2 exports it."""
    given = (record.get("responses") or {}).get(name) or []
    if len(given) > 1:
        raise ValueError(f"{len(given)} people answered {name!r}; export one person's responses at a time")
    return given[0]["value"] if given else ""
