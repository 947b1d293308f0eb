"""Steps: a task runs one command of the pipeline as a child process; an id goes in, an id comes out, the exit code says whether to retry."""

import json
import os
import signal
import subprocess
from datetime import date, timedelta
from typing import Any

from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, get_current_context, task
from pipeline import settings as machine

POOL = "default_pool"
GPU_STEPS = ("train", "evaluate")
FINAL = (65, 2)  # the same input will fail again
DEFAULTS = {"retries": 3, "retry_delay": timedelta(seconds=30), "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=10)}
ANSWER_WITHIN = timedelta(days=2)  # an unanswered request is a no: the champion stays


def pipeline(*words: str) -> dict[str, Any]:
    """Run `python -m pipeline …` and give its JSON. The child dies with the task, and its stderr is the task's log."""
    settings = machine.load()
    child = subprocess.Popen([settings.python, "-m", "pipeline", *words, "--json"], stdout=subprocess.PIPE, text=True, env=machine.child_environment())
    before = signal.signal(signal.SIGTERM, lambda number, frame: (child.terminate(), os._exit(143)))
    try:
        out, _ = child.communicate()
    finally:
        signal.signal(signal.SIGTERM, before)
        if child.poll() is None:
            child.kill()
    if child.returncode in FINAL:
        raise AirflowFailException(f"{' '.join(words)}: exit code {child.returncode}, the same input will fail again; the reason stands above")
    if child.returncode:
        raise AirflowException(f"{' '.join(words)}: exit code {child.returncode}, worth a retry")
    return json.loads(out)


def stage(name: str) -> Any:
    """The task of one stage: `stage("mine")(recipe, logs_id)`. GPU steps go to the executor and queue that the environment names."""
    settings = machine.load()
    where: dict[str, Any] = {}
    if name in GPU_STEPS:
        where |= {"executor": settings.gpu_executor} if settings.gpu_executor else {}
        where |= {"queue": settings.gpu_queue} if settings.gpu_queue else {}

    @task(task_id=name, pool=POOL, **where)
    def run(lesson: str, id: str) -> str:
        result = pipeline(name, id, "--recipe", lesson)
        enough(name, result)
        return result["id"]

    return run


def enough(name: str, result: dict[str, Any]) -> None:
    """A day with nothing to learn from ends green: the steps after it are skipped, and the log says why."""
    if name == "mine" and result["examples"] + result["pairs"] + result["unpaired"] < max(1, result.get("min_events", 1)):
        raise AirflowSkipException(f"too little new feedback ({result['examples']} examples, {result['pairs']} pairs, {result['unpaired']} votes): the champion stays")
    if name == "mix" and result.get("method") == "none":
        raise AirflowSkipException("nothing to train on: see the plan; the champion stays")


@task
def the_day() -> str:
    """The day whose logs are taken: the form's, else the day before this run was due."""
    context = get_current_context()
    asked = context["params"].get("day")
    run = context["dag_run"]
    return date.fromisoformat(asked).isoformat() if asked else ((run.logical_date or run.run_after) - timedelta(days=1)).date().isoformat()


@task
def verdict_of(report: str) -> dict[str, Any]:
    """What the gate said, as the table that an approver reads. A block ends here: it cannot be approved."""
    facts = pipeline("status", "--report", report)
    if facts["report"]["verdict"] == "block":
        pipeline("promote", report, "--reject", "--by", "the gate", "--note", "blocked verdicts cannot be approved")
        raise AirflowSkipException(f"{report} is blocked: the champion stays")
    return facts["report"]


def approval(subject: str) -> ApprovalOperator:
    """Ask a person. The verdict's table stands in the request; no answer within two days is a no."""
    return ApprovalOperator(
        task_id="approve",
        subject=subject,
        body="{{ ti.xcom_pull(task_ids='verdict_of')['markdown'] }}",
        defaults="Reject",
        response_timeout=ANSWER_WITHIN,
        params={"note": Param(None, type=["null", "string"], description="why (kept in decisions.jsonl)")},
        fail_on_reject=False,
        ignore_downstream_trigger_rules=False,
    )


@task(trigger_rule="none_failed")
def asked(answer: dict[str, Any] | None = None) -> None:
    """One hop between the request and the record: a rejection skips what stands directly below it, whatever its rule."""


@task(trigger_rule="none_failed")
def record(report: str | None) -> str | None:
    """Promote after a yes, or write down the no. Both name who decided."""
    context = get_current_context()
    answer = context["ti"].xcom_pull(task_ids="approve")
    if not report or not answer:
        raise AirflowSkipException("nobody was asked: nothing to record")
    who = (answer.get("responded_by_user") or {}).get("name") or "nobody (time ran out)"
    note = (answer.get("params_input") or {}).get("note") or ""
    yes = "Approve" in answer["chosen_options"]
    result = pipeline("promote", report, "--by", who, "--note", note, *([] if yes else ["--reject"]))
    return result["id"] if yes else None
