"""Put the judge on trial: it is asked what people have judged already, and the figures decide whether mine may believe it."""

import argparse
from datetime import UTC, datetime
from typing import Any

from pipeline import recipe
from pipeline.errors import BadInput
from pipeline.mine import judge, judge_control, trial, trial_book, trial_cases
from pipeline.settings import Settings


def command(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    if args.history:
        trials = trial_book.read(settings)
        return {"id": None, "trials": trials, "text": "\n".join(map(_line, trials)) or "no judge was tried yet"}
    if not 1 <= args.cases <= 5000:
        raise BadInput(f"--cases {args.cases}: between 1 and 5000")
    asked = judge.of(settings, recipe.load(settings, args.recipe).judging)
    if asked is None:
        raise BadInput(
            "no judge is configured: set EQUIPOISE_JUDGE_URL and EQUIPOISE_JUDGE_MODEL (and _KEY) to any OpenAI-compatible endpoint"
        )
    tried = trial_cases.of(settings, args.cases)
    if not tried:
        raise BadInput("nobody has judged a complaint or a pair yet: run `equipoise audit`, the judge is tried on people's verdicts")
    found = trial.run(asked, tried, datetime.now(UTC).isoformat())
    return {"id": None, **found, "text": text(found)}


def _line(t: dict[str, Any]) -> str:
    kinds = ", ".join(f"{kind} {'yes' if good else 'no'}" for kind, good in t["passes"].items())
    return f"{t['at']}  {t['judge']['model']}  {kinds}"


def text(t: dict[str, Any]) -> str:
    """The trial for a person."""
    lines = [f"judge   {t['judge']['model']}, {t['calls']} calls, {t['tokens']} tokens", ""]
    for kind in (trial_cases.FEEDBACK, trial_cases.PAIRS):
        f = t[kind]
        lines.append(
            f"{kind:<9} {'believed' if t['passes'][kind] else 'NOT USED'}  {f['n']} cases, kappa {_figure(f['kappa'], f['kappa_interval'])}, "
            f"sensitivity {_figure(f['sensitivity'], f['sensitivity_interval'])}, specificity {_figure(f['specificity'], f['specificity_interval'])}"
            f"{', ' + str(f['unreadable']) + ' unreadable' if f['unreadable'] else ''}"
        )
    same, place, length = t["same"], t["position"], t["length"]
    lines += [
        f"again     {_figure(same['share'], same['interval'])} of {same['n']} the same",
        f"position  {place['flipped']} of {place['n']} pairs flip with the order, {place['first']} towards the first place, {place['last']} towards the last (p = {place['p']:.2g})",
        f"length    {_figure(length['bias'], (length['low'], length['high']))} oftener the longer answer than people, {length['n']} pairs",
        f"control   {t['control_right']} of {len(judge_control.controls())} questions with known answers right",
    ]
    return "\n".join(lines + ([""] if t["why"] else []) + [f"- {why}" for why in t["why"]])


def _figure(value: float | None, between: Any) -> str:
    return "-" if value is None or between is None else f"{value:.2f} ({between[0]:.2f} to {between[1]:.2f})"
