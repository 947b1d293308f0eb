"""What could not be read, since when, in which file, how many lines, and what to type next: list, explain, retry."""

import argparse
import contextlib
import glob
import shlex
from collections import Counter
from datetime import date
from itertools import groupby
from typing import Any

from pipeline import lake, lineage, recipe
from pipeline.errors import BadInput
from pipeline.ingest import read, reasons, retry, sources, threshold
from pipeline.ingest import run as ingest
from pipeline.ingest.batch import ROOM
from pipeline.ingest.read import File
from pipeline.progress import printable, say
from pipeline.settings import Settings

Row = dict[str, Any]
GROUPS, SHOWN, WIDTH = 12, 8, 150  # what fits one screen of a laptop at three in the morning


def command(args: argparse.Namespace, settings: Settings) -> Row:
    if args.action == "explain":
        return explain(" ".join(args.words), settings)
    if args.action == "retry":
        return again(args, settings)
    if args.words:
        raise BadInput(f"quarantine list takes no {args.words[0]!r}; narrow it by --day, --reason or --file")
    found = listed(settings, _day(args.day), args.reason, args.file, args.limit)
    return found | {"text": text(found)}


def listed(settings: Settings, day: date | None, reason: str | None, file: str | None, limit: int | None) -> Row:
    """Open rows by day, reason and file, and the newest of them with their masked texts."""
    asked = {"day": day, "reason": reason, "name": file}
    groups, newest = [], []
    if lake.exists(settings):
        with lake.connect(settings) as con:
            groups = lake.query(con, "quarantine/groups", first=ROOM, **asked)
            newest = lake.query(con, "quarantine/rows", line=None, most=SHOWN if limit is None else limit, **asked)
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group["what"]] += group["rows"]
    days = sorted({g["day"] for g in groups})
    return {
        "id": None,
        "open": sum(counts.values()),
        "lines": counts["line"],
        "events": counts["event"],
        "since": days[0] if days else None,
        "newest": days[-1] if days else None,
        "stopped": sorted({g["day"] for g in groups if g["stopped"]}),
        "groups": groups,
        "rows": newest,
        "narrowed": {k: str(v) for k, v in asked.items() if v is not None},
    }


def text(found: Row) -> str:
    """One screen: how much and since when, then day by day what, then some of the lines themselves, then what to type."""
    narrow = f" for {', '.join(f'{k} {one(v)}' for k, v in found['narrowed'].items())}" if found["narrowed"] else ""
    if not found["open"]:
        return f"quarantine   nothing is open{narrow}: every line that came in was read"
    files = len({g["file_sha"] for g in found["groups"]})
    since = f"since {found['since']}" + (f", newest {found['newest']}" if found["newest"] != found["since"] else "")
    many = " and ".join(some(found[what], what[:-1]) for what in ("lines", "events") if found[what])
    lines = [f"quarantine   {many} open{narrow}, in {some(files, 'file')}, {since}"]
    lines += [f"stopped      {day}: over the recipe's threshold, nothing of these files was stored" for day in found["stopped"]]
    lines += ["", f"{'day':<12}{'rows':>6}  {'reason':<34}first at"]
    lines += [f"{g['day']:<12}{g['rows']:>6}  {one(g['reason'], 32):<34}{place(g, g['first_line'])}" for g in found["groups"][:GROUPS]]
    if len(found["groups"]) > GROUPS:
        lines.append(
            f"{'':<12}{sum(g['rows'] for g in found['groups'][GROUPS:]):>6}  in {len(found['groups']) - GROUPS} more groups: --json, or narrow by --day, --reason, --file"
        )
    if found["rows"]:
        lines += ["", f"newest {len(found['rows'])} of {found['open']}, personal data replaced"]
    lines += [one(f"{place(r, r['line'])}  {r['reason']}{at(r)}: {said(r)}", WIDTH) for r in found["rows"]]
    return "\n".join([*lines, "", *_next(found)])


def _next(found: Row) -> list[str]:
    worst, file = found["groups"][0], _names(found)[0]
    return [
        f"next         equipoise quarantine explain {quoted(worst['reason'])}",
        f"then         mend it where it is written, and read the mended copy of {one(file['file'])}:",
        "             equipoise quarantine retry PATH"
        + ("" if printable(file["file"]) == file["file"] else f" --file {file['file_sha'][:12]}"),
    ]


def explain(what: str, settings: Settings) -> Row:
    """A reason, or a row named FILE:LINE as `list` shows it, with its reason."""
    if not what:
        return {
            "id": None,
            "reasons": [e.reason for e in reasons.table()],
            "text": "\n".join(f"{e.reason:<42}{e.means}" for e in reasons.table()),
        }
    rows = _row(what, settings)
    entry = reasons.explain(rows[0]["reason"] if rows else what)
    if entry is None:
        near = " or ".join(quoted(n) for n in reasons.like(what))
        raise BadInput(
            f"{one(what)}: no reason and no open row of that name{f'; did you mean {near}?' if near else ''} `equipoise quarantine explain` lists all reasons"
        )
    shown = [f"{name:<9}{value}" for name, value in _parts(entry) if value]
    seen = [
        f"{place(r, r['line'])}  ({r['what']} of {r['day']}, file {r['file_sha'][:12]}{at(r)})\n{'text':<9}{said(r, 2000)}" for r in rows
    ]
    own = listed(settings, None, rows[0]["reason"] if rows else what, None, 0)
    shown.append(f"{'open':<9}{some(own['open'], 'row')}" + (f" since {own['since']}, newest {own['newest']}" if own["open"] else ""))
    reason = rows[0]["reason"] if rows else what
    return {
        "id": None,
        "reason": reason,
        **entry.model_dump(exclude={"reason"}),
        "open": own["open"],
        "rows": rows,
        "text": "\n".join([*seen, one(reason), *shown]),
    }


def _parts(entry: reasons.Reason) -> list[tuple[str, str | None]]:
    return [("means", entry.means), ("bad", entry.bad), ("good", entry.good), ("rule", entry.rule), ("do", entry.todo)]


def _row(what: str, settings: Settings) -> list[Row]:
    """The open rows at FILE:LINE, where the words are one."""
    name, _, number = what.rpartition(":")
    if not name or not number.isdecimal() or not lake.exists(settings):
        return []
    with lake.connect(settings) as con:
        rows = lake.query(con, "quarantine/rows", day=None, reason=None, name=name, line=int(number), most=SHOWN)
    if not rows:
        raise BadInput(f"{one(what)}: no open row at this place; `equipoise quarantine --file {quoted(name)}` shows what is open")
    return rows


def again(args: argparse.Namespace, settings: Settings) -> Row:
    """Read mended files, and close the rows that they answer."""
    asked = {"day": _day(args.day), "reason": args.reason, "name": args.file}
    if not lake.exists(settings):
        raise BadInput(f"there is no lake in {settings.home} yet: nothing is in quarantine, check EQUIPOISE_HOME")
    with lake.connect(settings) as con:
        groups = lake.query(con, "quarantine/groups", first=ROOM, **asked)
    if not groups:
        raise BadInput("nothing that is open fits: `equipoise quarantine` shows what is")
    lesson = recipe.load(settings, args.recipe or "daily")
    missing: list[str] = []
    with contextlib.ExitStack() as fetched:
        if args.words:
            todo = _named(fetched.enter_context(sources.files(args.words, None, settings)), groups, args.file)
        else:
            todo, missing = _in_inbox(groups, settings, fetched)
        results = [_read(file, of, lesson, settings, args.format) for file, of in todo]
    for name in missing:
        say(f"{name}: not in the inbox ({settings.inbox}); name the mended file: equipoise quarantine retry PATH")
    whole: Counter[str] = sum((Counter(r["outcomes"]) for r in results), Counter())
    counts = {name: whole[name] for name in (retry.SOLVED, retry.STILL_BAD, retry.MISSING)}
    return {"id": results[-1]["id"], **counts, "files": results, "not_found": missing}


def _named(files: list[File], groups: list[Row], name: str | None) -> list[tuple[File, list[Row]]]:
    """The files named, each with the groups of the file whose place it takes: the one of its name, or the one of --file."""
    todo = []
    for file in files:
        of = [g for g in groups if name or g["file"] == file.name or g["file_sha"] == file.sha]
        if not of:
            names = ", ".join(dict.fromkeys(quoted(g["file"]) for g in groups[:5]))
            raise BadInput(f"{file.name}: no open row is of a file of this name; say whose place it takes with --file (open: {names})")
        todo.append((file, of))
    return todo


def _in_inbox(groups: list[Row], settings: Settings, fetched: contextlib.ExitStack) -> tuple[list[tuple[File, list[Row]]], list[str]]:
    """The open files that are still where a day's logs are looked for, and the names of the others."""
    todo: list[tuple[File, list[Row]]] = []
    missing: list[str] = []
    for day, of_day in groupby(groups, key=lambda g: g["day"]):
        of = list(of_day)
        names = dict.fromkeys(g["file"] for g in of)
        there: dict[str, File] = {}
        for place in [settings.inbox_of(date.fromisoformat(day)), *(f"{settings.inbox}/{glob.escape(name)}" for name in names)]:
            with contextlib.suppress(BadInput):  # an inbox that has nothing of this day or name
                there |= {file.name: file for file in fetched.enter_context(sources.files([place], None, settings))}
        for name in names:
            if name in there:
                todo.append((there[name], [g for g in of if g["file"] == name]))
            else:
                missing.append(name)
    if not todo:
        shown = ", ".join(one(n) for n in dict.fromkeys(missing[:5]))
        raise BadInput(f"{shown}: not in the inbox ({settings.inbox}); name the mended file: equipoise quarantine retry PATH")
    return todo, missing


def _read(file: File, groups: list[Row], lesson: recipe.Recipe, settings: Settings, format: str) -> Row:
    """Take in one mended file under the day of the rows that it answers, and settle them."""
    day = date.fromisoformat(groups[0]["day"])
    with lake.connect(settings) as con:
        rows = retry.opened(con, {g["file_sha"] for g in groups})
    stopped, id = None, None
    try:
        id = ingest.run([file.path], lesson, settings, day=day, format=format)["id"]
    except threshold.Stopped as error:
        stopped = error
    with lineage.lock(settings, "ingest"), lake.connect(settings) as con:
        outcomes = lake.retried(lambda: retry.settle(con, rows, file, stopped is None, id))
    if stopped:
        raise stopped
    solved, bad, missing = (outcomes[name] for name in (retry.SOLVED, retry.STILL_BAD, retry.MISSING))
    say(f"{file.name}: of {some(len(rows), 'row')} {solved} solved, {bad} still bad, {missing} not in this copy and still open")
    return {"file": file.name, "day": day.isoformat(), "id": id, "outcomes": dict(outcomes)}


def _names(found: Row) -> list[Row]:
    """The open files, those with the most rows first."""
    rows: Counter[str] = Counter()
    for group in found["groups"]:
        rows[group["file_sha"]] += group["rows"]
    return sorted(found["groups"], key=lambda g: -rows[g["file_sha"]])


def _day(words: str | None) -> date | None:
    return None if words is None else read.day(words)


def some(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def place(row: Row, line: int) -> str:
    """Where a row stands, as `explain` takes it: FILE:LINE, by the file's sum where its name cannot be typed."""
    name = row["file"] if printable(row["file"]) == row["file"] else row["file_sha"][:12]
    return f"{one(name, 60)}:{line}"


def at(row: Row) -> str:
    return f" at byte {row['byte']}" if row["byte"] is not None else ""


def said(row: Row, most: int = WIDTH) -> str:
    return "(text not kept: consent is denied, in doubt, or nothing could be read)" if not row["text"] else one(row["text"], most)


def one(text: str, most: int = 200) -> str:
    """Words of strangers on one line, of a bounded length, with nothing in them that steers a terminal."""
    text = " ".join(printable(text[: 2 * most]).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(words: str) -> str:
    return shlex.quote(one(words))
