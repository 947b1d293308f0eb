"""The commands that are no stage: whole days, looking, undoing. Each is a file here, listed in running order."""

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.settings import Settings


@dataclass(frozen=True)
class Command:
    """A command's one-line help, its options, and the function behind it (imported when it is called)."""

    about: str
    arguments: Callable[[argparse.ArgumentParser], None]
    module: str

    def run(self, args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
        return importlib.import_module(self.module).command(args, settings)


def _none(p: argparse.ArgumentParser) -> None:
    """No options of its own."""


def _day(p: argparse.ArgumentParser) -> None:
    p.add_argument("day", help="yyyy-mm-dd")
    p.add_argument("paths", nargs="*", metavar="PATH", help="logs (default: the day's inbox)")
    p.add_argument("--recipe", default="daily", help="the lesson (default: daily)")


def _hotfix(p: argparse.ArgumentParser) -> None:
    p.add_argument("file", metavar="FILE", help='JSONL of {"task", "messages", "answer", "rejected"?, "note"?}')
    p.add_argument("--task", required=True, help="the task card that these examples belong to")
    p.add_argument("--reason", required=True, help="what is wrong with the model in service")
    p.add_argument("--day", help="yyyy-mm-dd (default: today)")
    p.add_argument("--check", action="store_true", help="only validate the file")
    p.add_argument("--inside", action="store_true", help="FILE must lie in the home's hotfix folder")


def _compare(p: argparse.ArgumentParser) -> None:
    p.add_argument("a", metavar="A", help="champion: lm-eval's output_path, the model folder in it, or a scores id")
    p.add_argument("b", metavar="B", help="candidate: likewise")
    p.add_argument("--margin", type=float, default=0.02, help="largest drop of an ability (default 0.02 = two points)")
    p.add_argument("--pooled-margin", type=float, default=0.01, help="largest drop over all items (default 0.01)")
    p.add_argument("--abilities", metavar="FILE", help="YAML or JSON: ability -> task names")
    p.add_argument("--also-a", action="append", default=[], metavar="A", help="another run of A: each item is averaged over its runs")
    p.add_argument("--also-b", action="append", default=[], metavar="B", help="another run of B")
    p.add_argument("--strict", action="store_true", help="block every proved drop, even one shown to be below its margin")
    p.add_argument("--same", action="store_true", help="A and B are two runs of one model: how much the harness itself moves answers")
    p.add_argument("--looks", metavar="N", help="also replay the items in N batches, stopping early; or shares, as in 0.1,0.5,1")
    p.add_argument("--markdown", action="store_true", help="print a table for a pull request")
    p.add_argument("--picture", metavar="FILE.svg", help="draw drops, intervals and margins")
    p.add_argument("--force", action="store_true", help="print figures for evidence that is not comparable; the verdict is hold")
    p.add_argument("--exit-code", action="store_true", help="exit 0 promote, 3 block, 4 hold")


def _power(p: argparse.ArgumentParser) -> None:
    p.add_argument("--recipe", default="daily", help="the lesson whose suites and margins are planned (default: daily)")
    p.add_argument("--margin", type=float, help="for every ability, instead of the recipe's (two points are 0.02)")
    p.add_argument("--psi", type=float, help="share of items that flip (default: as in earlier verdicts here, else the recipe's plan_psi)")
    p.add_argument("--alpha", type=float, default=0.05, help="how often certifying or blocking may err (default 0.05)")
    p.add_argument(
        "--power", type=float, default=0.8, help="how often an unchanged model passes, and a lost margin is proved (default 0.8)"
    )
    p.add_argument("--looks", type=int, default=1, help="also what stopping early would spare, looking so often (4 are usual)")


def _repair(p: argparse.ArgumentParser) -> None:
    p.add_argument("verdict", metavar="VERDICT", help="a verdict-… id that says block")
    p.add_argument("--minutes", type=float, help="most that it may take (default: the recipe's `repair_minutes`)")


def _verify(p: argparse.ArgumentParser) -> None:
    p.add_argument("ids", nargs="*", metavar="VERDICT | RELEASE", help="what to check")
    p.add_argument("--all", action="store_true", help="every verdict and release of this home")


def _attribute(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", metavar="VERDICT", help="a verdict-… id in which an ability fell")
    p.add_argument("--minutes", type=float, default=30.0, help="no training begins that would not end within so many (default 30)")
    p.add_argument("--how", default="bcd", metavar="LETTERS", help="kinds of evidence, of abcd; a retrains without each task (default bcd)")


def _probe(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", metavar="VERDICT | SCORES", help="a verdict-… id, or the scores-… id of a candidate")
    p.add_argument("--items", type=int, default=12, metavar="N", help="most bad cases to look into, lost ones first (default 12)")


def _init(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", nargs="?", default="equipoise", help="where to write it (default ./equipoise)")


def _doctor(p: argparse.ArgumentParser) -> None:
    p.add_argument("files", nargs="*", metavar="FILE", help="task cards, recipes or hotfix files to check instead")
    p.add_argument("--recipe", default="daily", help="the lesson to check (default: daily)")


def _anchor(p: argparse.ArgumentParser) -> None:
    p.add_argument("model", metavar="MODEL", help="folder with config.json, safetensors and a chat template")
    p.add_argument("--reason", required=True)
    p.add_argument("--by", help="who decides")


def _quarantine(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", nargs="?", default="list", choices=("list", "explain", "retry"), help="list (default), explain, retry")
    p.add_argument(
        "words",
        nargs="*",
        metavar="REASON | FILE:LINE | PATH",
        help="what to explain, or the mended files to read (default: from the inbox)",
    )
    p.add_argument("--day", help="only this day, yyyy-mm-dd")
    p.add_argument("--reason", help="only this reason, as it is listed")
    p.add_argument(
        "--file", help="only this file, by name or the beginning of its sha256; of retry: the file whose place the mended copy takes"
    )
    p.add_argument("--limit", type=int, help="rows shown one by one (default 8)")
    p.add_argument("--format", default="auto", help="of retry: the format of the file (default: found out)")
    p.add_argument("--recipe", help="of retry: the lesson whose ingest rules count (default: daily)")


def _audit(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", nargs="?", metavar="PAIRS-ID", help="what to judge (default: the newest pairs; of --summary: all verdicts)")
    p.add_argument("--per-rule", type=int, default=10, metavar="N", help="cases drawn of each rule (default 10)")
    p.add_argument("--seed", type=int, default=0, help="another sample (default 0)")
    p.add_argument("--by", metavar="WHO", help="who judges (default: who is logged in)")
    p.add_argument("--export", metavar="FILE", help="write the sample to a .csv, or to a .jsonl of Argilla records")
    p.add_argument("--import", dest="take", metavar="FILE", help="read verdicts back from such a file; needs --by")
    p.add_argument("--summary", action="store_true", help="each rule's precision, and how far people agree")
    p.add_argument(
        "--fit", action="store_true", help="fit the scorer of rows on all verdicts (200 and more), for `mixing.quality: verdicts`"
    )


def _judge(p: argparse.ArgumentParser) -> None:
    p.add_argument("--trial", action="store_true", help="ask it what people have judged already (what it does by default)")
    p.add_argument("--history", action="store_true", help="show earlier trials instead")
    p.add_argument("--cases", type=int, default=200, metavar="N", help="most cases of each kind of question (default 200)")
    p.add_argument("--recipe", default="daily", help="the lesson whose `judging` counts (default: daily)")


def _trace(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", metavar="ID", help="a conversation id or any artefact's id")


def _contamination(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", metavar="ID", help="a pairs-… or mix-… id")
    p.add_argument(
        "--suite", action="append", metavar="NAME", help="a suite to look at; may be given several times (default: the lesson's)"
    )


def _rollback(p: argparse.ArgumentParser) -> None:
    p.add_argument("--to", help="a release-… id, or `origin` (default: the release before)")
    p.add_argument("--reason", required=True)
    p.add_argument("--by", help="who decides")


def _request(p: argparse.ArgumentParser) -> None:
    p.add_argument("report", metavar="REPORT", help="a report-… id")


def _notify(p: argparse.ArgumentParser) -> None:
    p.add_argument("step", metavar="STEP", help="the step that gave up")
    p.add_argument("run_id", metavar="RUN", help="the run that it belongs to")
    p.add_argument("--exit-code", dest="code", type=int, default=1)


def _forget(p: argparse.ArgumentParser) -> None:
    p.add_argument("--user", action="append", default=[], metavar="U", help="a user's id as the logs write it; may be given several times")
    p.add_argument("--users", metavar="FILE", help="ids of users, one a line; a list that lies inside home is deleted afterwards")
    p.add_argument("--reason", default="asked for by the user", help="kept in the receipt; name nobody in it")
    p.add_argument("--due", action="store_true", help="erase withdrawn consent, and what is older than the recipe's `retention`")
    p.add_argument("--recipe", default="daily", help="of --due: the lesson whose `retention` counts (default: daily)")
    p.add_argument("--finish", action="store_true", help="only finish an erasure that was killed")


def _lake(p: argparse.ArgumentParser) -> None:
    p.add_argument("do", nargs="?", choices=("compact",), help="compact: merge small files, let old versions and left-over files go")
    p.add_argument("--keep-snapshots", type=float, default=30, metavar="DAYS", help="keep versions of so many days (default 30)")
    p.add_argument("--grace", type=float, default=1, metavar="HOURS", help="leave files alone that are younger than this (default 1)")


def _demo(p: argparse.ArgumentParser) -> None:
    p.add_argument("--fresh", action="store_true", help="forget an earlier demo in this home first")


COMMANDS = {
    "day": Command("all stages for one day, without Airflow", _day, "pipeline.commands.day"),
    "hotfix": Command("mend one bad case today, from a handful of examples", _hotfix, "pipeline.commands.hotfix"),
    "compare": Command("the paired test on any two lm-eval outputs", _compare, "pipeline.commands.compare"),
    "power": Command("how many items a suite needs for its margins, and what they cost", _power, "pipeline.commands.power"),
    "repair": Command(
        "mend a blocked candidate: chosen on one half of the items, judged on the other", _repair, "pipeline.commands.repair"
    ),
    "verify": Command(
        "work a verdict out again from its sealed scores; check sums and the ledger's chain", _verify, "pipeline.commands.verify"
    ),
    "attribute": Command("which task made an ability fall, and how sure that is", _attribute, "pipeline.commands.attribute"),
    "probe": Command(
        "why single answers are wrong: token by token, word by word, with the rows behind them", _probe, "pipeline.commands.probe"
    ),
    "status": Command("what is in service, and how much the lake holds", _none, "pipeline.commands.status"),
    "request": Command("who decides about a report, and the table they are shown", _request, "pipeline.commands.request"),
    "notify": Command("tell the webhook that a step gave up", _notify, "pipeline.commands.tell"),
    "quarantine": Command(
        "lines that could not be read: what broke, why, and once it is mended again", _quarantine, "pipeline.commands.quarantine"
    ),
    "audit": Command("label a sample of what was mined by hand; each rule's precision", _audit, "pipeline.commands.audit"),
    "judge": Command("put the judge on trial against people's verdicts; who passed is used by mine", _judge, "pipeline.commands.judge"),
    "trace": Command("from a conversation to the models it taught, and back", _trace, "pipeline.commands.trace"),
    "contamination": Command(
        "what a lesson and the gate's items have in common, both ways", _contamination, "pipeline.commands.contamination"
    ),
    "forget": Command("erase a user everywhere and for good, or what is due; prints the receipt's id", _forget, "pipeline.commands.forget"),
    "lake": Command("size, files and versions of the lake; `lake compact` tidies it up", _lake, "pipeline.commands.lake"),
    "rollback": Command("put an earlier release back in service", _rollback, "pipeline.commands.rollback"),
    "anchor": Command("set or move the origin, the fixed reference", _anchor, "pipeline.commands.anchor"),
    "formats": Command("the log formats that are read, and what each cannot say", _none, "pipeline.commands.formats"),
    "init": Command("a sample recipe, task card and inbox in a folder of yours", _init, "pipeline.commands.init"),
    "doctor": Command("check inbox, model, suites, lake, disk, Airflow; say what to do", _doctor, "pipeline.commands.doctor"),
    "demo": Command("a day promoted and a bad day blocked, with a real small model", _demo, "pipeline.demo.run"),
}
