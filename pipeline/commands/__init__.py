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
    p.add_argument("--force", action="store_true", help="print figures for evidence that is not comparable; the verdict is hold")
    p.add_argument("--exit-code", action="store_true", help="exit 0 promote, 3 block, 4 hold")


def _init(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", nargs="?", default="equipoise", help="where to write it (default ./equipoise)")


def _doctor(p: argparse.ArgumentParser) -> None:
    p.add_argument("files", nargs="*", metavar="FILE", help="task cards, recipes or hotfix files to check instead")
    p.add_argument("--recipe", default="daily", help="the lesson to check (default: daily)")


def _anchor(p: argparse.ArgumentParser) -> None:
    p.add_argument("model", metavar="MODEL", help="folder with config.json, safetensors and a chat template")
    p.add_argument("--reason", required=True)
    p.add_argument("--by", help="who decides")


def _trace(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", metavar="ID", help="a conversation id or any artefact's id")


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


def _demo(p: argparse.ArgumentParser) -> None:
    p.add_argument("--fresh", action="store_true", help="forget an earlier demo in this home first")


COMMANDS = {
    "day": Command("all stages for one day, without Airflow", _day, "pipeline.commands.day"),
    "hotfix": Command("mend one bad case today, from a handful of examples", _hotfix, "pipeline.commands.hotfix"),
    "compare": Command("the paired test on any two lm-eval outputs", _compare, "pipeline.commands.compare"),
    "status": Command("what is in service, and how much the lake holds", _none, "pipeline.commands.status"),
    "request": Command("who decides about a report, and the table they are shown", _request, "pipeline.commands.request"),
    "notify": Command("tell the webhook that a step gave up", _notify, "pipeline.commands.tell"),
    "trace": Command("from a conversation to the models it taught, and back", _trace, "pipeline.commands.trace"),
    "rollback": Command("put an earlier release back in service", _rollback, "pipeline.commands.rollback"),
    "anchor": Command("set or move the origin, the fixed reference", _anchor, "pipeline.commands.anchor"),
    "init": Command("a sample recipe, task card and inbox in a folder of yours", _init, "pipeline.commands.init"),
    "doctor": Command("check inbox, model, suites, lake, disk, Airflow; say what to do", _doctor, "pipeline.commands.doctor"),
    "demo": Command("a day promoted and a bad day blocked, with a real small model", _demo, "pipeline.demo.run"),
}
