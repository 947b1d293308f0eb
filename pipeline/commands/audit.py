"""Label a sample of what was mined by hand: shown here, or in a spreadsheet or an annotation tool; and what the labels come to."""

import argparse
import getpass
from collections import Counter
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from pipeline import lineage
from pipeline.audit import agreement, book, cases, draw, exchange, quality, screen
from pipeline.audit.book import LONGEST_NOTE, Verdict
from pipeline.audit.cases import Case
from pipeline.errors import BadInput, Permanent
from pipeline.progress import printable, say
from pipeline.settings import Settings

Row = dict[str, Any]
WIDTH = 110


def command(args: argparse.Namespace, settings: Settings) -> Row:
    if sum(map(bool, (args.export, args.take, args.summary, args.fit))) > 1:
        raise BadInput("--export, --import, --summary and --fit are four things to do: choose one")
    if args.fit:
        return fit(settings)
    if args.per_rule < 1:
        raise BadInput(f"--per-rule {args.per_rule}: at least 1")
    if args.summary:
        return told(settings, args.id)
    if args.take:
        return taken(settings, Path(args.take), args.by)
    by = _who(args.by)
    pairs = args.id or newest(settings)
    drawn = draw.sample(cases.of(settings, pairs), pairs, args.per_rule, args.seed)
    if args.export:
        return given(settings, Path(args.export), drawn, pairs, by)
    return judged(settings, drawn, pairs, by)


def newest(settings: Settings) -> str:
    """The pairs that were sealed last of the latest day."""
    sealed = lineage.all_of(settings, "pairs")
    if not sealed:
        raise BadInput(f"there are no pairs in {settings.home} yet: run `equipoise day` or `equipoise mine`, or check EQUIPOISE_HOME")
    return str(max(sealed, key=lambda m: (m["day"], m["finished"]))["id"])


def judged(settings: Settings, drawn: list[Case], pairs: str, by: str) -> Row:
    """Ask about what this person has not judged yet; every key press is on disk before the next case is shown."""
    known = _said(settings, pairs, by)
    left = [c for c in drawn if c.id not in known]
    if left:
        say(f"{pairs}: {len(drawn)} drawn, {len(drawn) - len(left)} judged by {by} before")
    counts: Counter[str] = Counter()

    def keep(case: Case, verdict: str, note: str) -> None:
        counts[verdict] += book.add(settings, [_verdict(settings, case, pairs, by, verdict, note)])

    done = screen.ask(cases.told(settings, left), keep) if left else 0
    rest = len(left) - done
    said = ", ".join(f"{n} {word}" for word, n in counts.items() if n) or "nothing new"
    more = (
        f"; {rest} left, the same command goes on" if rest else "; all drawn are judged: equipoise audit --summary, or a larger --per-rule"
    )
    return {
        "id": pairs,
        "by": by,
        "drawn": len(drawn),
        "judged": done,
        "left": rest,
        "text": f"{pairs}  {said}{more}" if drawn else f"{pairs}  nothing to judge: it holds no row and nothing heard",
    }


def given(settings: Settings, path: Path, drawn: list[Case], pairs: str, by: str) -> Row:
    """The drawn cases as a file for this person."""
    known = _said(settings, pairs, by)
    exchange.kind(path)
    exchange.write(path, cases.told(settings, drawn), pairs, _version(settings, pairs), {id: v.says for id, v in known.items()})
    say(f"{path} holds what users wrote: keep it to yourself, and delete it once it is imported")
    return {"id": pairs, "file": str(path), "cases": len(drawn), "judged": sum(c.id in known for c in drawn)}


def taken(settings: Settings, path: Path, by: str | None) -> Row:
    """Verdicts of a file into the book, all or none; what they are about is looked up in the pairs, never believed."""
    if not by:
        raise BadInput("--import needs --by WHO: whose verdicts are these?")
    who, rows = _who(by), exchange.read(path)
    wrong: list[str] = []
    known: dict[str, dict[str, Case]] = {}
    verdicts: dict[tuple[str, str], Verdict] = {}
    for row in rows:
        pairs = row["pairs"]
        try:
            if pairs not in known:
                known[pairs] = {c.id: c for c in cases.of(settings, pairs)}
        except Permanent as error:
            wrong.append(f"{row['where']}: {error}")
            continue
        case = known[pairs].get(row["case"])
        if case is None:
            wrong.append(f"{row['where']}: {row['case'][:40]!r} is no case of {pairs} (any more): it was erased, or the id was changed")
            continue
        verdict = _verdict(settings, case, pairs, who, row["verdict"], row["note"])
        earlier = verdicts.setdefault((pairs, case.id), verdict)
        if earlier.says != verdict.says:
            wrong.append(f"{row['where']}: {case.id} is judged {earlier.verdict} in one row and {verdict.verdict} in this one; keep one")
    exchange.refuse(path, wrong)
    new = book.add(settings, list(verdicts.values()))
    return {"id": None, "by": who, "rows": len(verdicts), "new": new, "text": f"{len(verdicts)} verdicts by {who}, {new} of them new"}


def told(settings: Settings, pairs: str | None) -> Row:
    """Precision and agreement over all verdicts, or over those on one pairs id."""
    if pairs and lineage.kind_of(pairs) != "pairs":
        raise BadInput(f"{pairs} is of kind {lineage.kind_of(pairs)}; an audit is of a pairs-… id")
    found = agreement.summary(v for v in book.read(settings) if pairs in (None, v.pairs))
    return {"id": pairs} | found | {"text": text(found)}


def fit(settings: Settings) -> Row:
    """The scorer of rows, fitted anew on every verdict."""
    scorer = quality.fit(settings)
    auc, brier = scorer["auc"], scorer["brier"]
    why = quality.trusted(scorer)
    lines = [
        f"scorer of rows, fitted on {scorer['n']} judged rows, {scorer['right']} of them right: {quality.path(settings)}",
        f"on rows it was not fitted on ({scorer['folds']} folds): AUC {auc['value']:.2f} ({auc['low']:.2f} to {auc['high']:.2f}), "
        f"Brier {brier['value']:.3f} against {brier['of_the_rate_alone']:.3f} of the share alone",
        f"mix will not use it: {why}" if why else "a recipe's `mixing.quality: verdicts` uses it",
    ]
    return {"id": None, "file": str(quality.path(settings)), "usable": not why} | scorer | {"text": "\n".join(lines)}


def text(found: Row) -> str:
    """The same for a person, as tables without colours."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not found["cases"]:
        return "audit   nobody has judged anything yet: equipoise audit"
    rules = Table(box=SIMPLE)
    names = ("rule", "n", "right", "wrong", "unsure", agreement.DISPUTED, "precision", "95% interval")
    for name in names:
        rules.add_column(name, justify="left" if name == "rule" else "right")
    for r in found["rules"]:
        share = "-" if r["precision"] is None else f"{r['precision']:.2f}"
        between = "-" if r["precision"] is None else f"{r['low']:.2f} to {r['high']:.2f}"
        rules.add_row(Text(printable(r["rule"])), *(str(r[name]) for name in names[1:6]), share, between)
    paper = StringIO()
    console = Console(file=paper, width=WIDTH, highlight=False)
    console.print(Text(printable(f"audit   {found['cases']} cases judged by {', '.join(found['auditors'])}")))
    console.print(rules)
    for a in found["agreement"]:
        value = "not defined, as both said one word only" if a["kappa"] is None else f"{a['kappa']:.2f}"
        console.print(Text(printable(f"{a['a']} and {a['b']}: {a['n']} cases judged by both, {a['agree']:.0%} alike, kappa {value}")))
    return paper.getvalue().rstrip()


def _said(settings: Settings, pairs: str, by: str) -> dict[str, Verdict]:
    return {v.case: v for v in book.standing(book.read(settings)) if (v.by, v.pairs) == (by, pairs)}


def _verdict(settings: Settings, case: Case, pairs: str, by: str, verdict: str, note: str) -> Verdict:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    version = _version(settings, pairs)
    return Verdict(now, by, pairs, case.id, case.table, case.rule, case.task, version, verdict, note[:LONGEST_NOTE])


def _version(settings: Settings, pairs: str) -> int | None:
    return lineage.manifest(settings, pairs).get("mine_version")


def _who(by: str | None) -> str:
    """Whose verdicts these are: as given, else who is logged in."""
    try:
        name = (by if by is not None else getpass.getuser()).strip()
    except (OSError, KeyError):  # a container whose user has no name
        name = ""
    if not name or len(name) > 100 or printable(name) != name or "\n" in name:
        raise BadInput(f"--by {name[:40]!r}: name the auditor in 1 to 100 plain characters")
    return name
