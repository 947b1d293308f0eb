"""The commands: `equipoise …`, the same as `python -m pipeline …`. stdout carries an id or one JSON object, stderr the rest."""

import argparse
import importlib
import json
import sys
from datetime import date
from typing import Any

from pipeline import INPUTS, STAGES, lineage, recipe, settings
from pipeline.commands import COMMANDS
from pipeline.erase import pause
from pipeline.errors import BadInput, EquipoiseError
from pipeline.progress import in_json, printable, say

PARTS = {"mix": ", or a mix-… id to cut by mixing.slice", "train": ", or a model-… id to give training.scale"}
"""What else two stages take: something that is made already and is to be made less of."""

ABOUT = {
    "ingest": "logs in; prints stored / updated / quarantined counts",
    "mine": "feedback of one batch of logs into SFT rows, DPO pairs and KTO rows",
    "mix": "all pairs kept up to the day into one lesson",
    "train": "one lesson into an adapter",
    "evaluate": "a model (or `origin`) on the recipe's suites and held-out tasks",
    "gate": "promote, hold or block, by paired tests",
    "report": "one page that a person can decide from",
    "promote": "put the reported model in service",
}


def parser() -> argparse.ArgumentParser:
    """Every command and its options, in running order."""
    top = argparse.ArgumentParser(prog="equipoise", description="Continual learning from user feedback, gated on benchmarks.")
    sub = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for stage in STAGES:
        p = _command(sub, stage, ABOUT[stage])
        if stage == "ingest":
            p.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, globs, archives, s3://… or postgres:NAME")
            p.add_argument("--format", default="auto", help="format of the logs, one of `equipoise formats` (default: found out)")
            p.add_argument("--shard", metavar="I/N", help="only every Nth file from the Ith on: N processes share a day's files")
            p.add_argument("--day", type=date.fromisoformat, help="the batch's day, yyyy-mm-dd (default: in the file's name, else today)")
        elif stage == "evaluate":
            p.add_argument("id", metavar="ID", nargs="?", help=f"a {INPUTS[stage]}-… id or `origin`")
            p.add_argument(
                "--rows", metavar="PAIRS", help="instead: what the champion and the origin know of these rows, for `mix` to choose by"
            )
            p.add_argument("--lost", metavar="VERDICT", help="instead: gradients of what a verdict lost and of the rows behind it")
            p.add_argument("--arm", action="append", metavar="ID+ID", help="of --lost: ask the lost items of these adapters together")
        else:
            p.add_argument("id", metavar="ID", help=f"a {INPUTS[stage]}-… id{PARTS.get(stage, '')}")
        p.add_argument("--recipe", help="the lesson (default: that of the id, else daily)")
        p.set_defaults(run=_stage)
        if stage == "mine":
            p.add_argument("--dry-run", action="store_true", help="say what would be kept and why the rest not; write nothing")
        if stage == "gate":
            p.add_argument("--exit-code", action="store_true", help="exit 0 promote, 3 block, 4 hold")
        if stage == "promote":
            p.add_argument("--by", help="who approves")
            p.add_argument("--note", help="why")
            p.add_argument("--reject", action="store_true", help="record a no instead; the champion stays")
    for name, command in COMMANDS.items():
        p = _command(sub, name, command.about)
        command.arguments(p)
        p.set_defaults(run=command.run)
    return top


def _command(sub: Any, name: str, about: str) -> argparse.ArgumentParser:
    p = sub.add_parser(name, help=about, description=about)
    p.add_argument("--json", action="store_true", help="print one JSON object instead of the id")
    return p


def _stage(args: argparse.Namespace, machine: settings.Settings) -> dict[str, Any]:
    """Run one stage in this process. What it needs is imported only now, so that --help stays instant."""
    if args.command == "evaluate" and sum(given is not None for given in (args.id, args.rows, args.lost)) != 1:
        raise BadInput(
            "evaluate takes a model-… id (or `origin`), or --rows with a pairs-… id, or --lost with a verdict-… id: name one of them"
        )
    chosen = recipe.load(machine, args.recipe or _recipe_of(args, machine))
    if args.command == "train":  # on every road, by hand and by DAG: margins that no model could meet are told before hours are spent
        importlib.import_module("pipeline.commands.feasibility").check(chosen, machine)
    run = importlib.import_module(f"pipeline.{args.command}.run").run
    taken = ("command", "run", "json", "recipe", "id", "paths", "exit_code")
    options = {k: v for k, v in vars(args).items() if k not in taken}
    if args.command == "evaluate":  # stages never import one another: the gate's rule for when to stop asking is handed down from here
        options["rule_of"] = importlib.import_module("pipeline.gate.asking").rule
    with pause.beside_others(machine):
        given = _paths(args, machine) if args.command == "ingest" else args.id or args.rows or args.lost
        return run(given, chosen, machine, **options) if given else {"id": None, "text": f"no file for shard {args.shard}"}


def _paths(args: argparse.Namespace, machine: settings.Settings) -> list[str]:
    if not args.shard:
        return args.paths
    return importlib.import_module("pipeline.ingest.shards").of(args.paths, args.shard, machine)


def _recipe_of(args: argparse.Namespace, machine: settings.Settings) -> str:
    """The lesson that the given id belongs to."""
    id = getattr(args, "id", None) or getattr(args, "rows", None) or getattr(args, "lost", None)
    if id in (None, "origin"):
        return "daily"
    if lineage.kind_of(id) == "logs":  # logs are not yet part of a lesson: every recipe mines the same ones
        return "daily"
    return str(lineage.manifest(machine, id)["recipe"].get("name", "daily"))


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 65 the same input will fail again, 75 worth a retry, 2 bad usage."""
    args = parser().parse_args(argv)
    try:
        result = args.run(args, settings.load())
    except EquipoiseError as error:
        say(f"equipoise {args.command}: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say(f"equipoise {args.command}: stopped by the keyboard; running it again goes on from here")
        return 130
    _tell(result, args.json)
    codes = {"promote": 0, "block": 3, "hold": 4}
    return codes[result["verdict"]] if getattr(args, "exit_code", False) else 0


def _tell(result: dict[str, Any], as_json: bool) -> None:
    """The id, or one JSON object. A reader of stdout that went away (`| head`) is no error: what was made stays made."""
    if as_json:
        text = in_json(json.dumps({k: v for k, v in result.items() if k != "text"}, ensure_ascii=False, default=str))
    else:
        text = printable(result.get("text") or result.get("id") or json.dumps(result, ensure_ascii=False, indent=1, default=str))
    try:
        print(text, flush=True)
    except BrokenPipeError:
        sys.stdout = None  # or the interpreter complains about it once more at exit


if __name__ == "__main__":
    sys.exit(main())
