"""Steps: a task runs one command of the pipeline as a child process; an id goes in, an id comes out, the exit code says whether to retry."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from pipeline import recipe
from pipeline import settings as machine
from pipeline.errors import FINAL

POOL = "default_pool"
GPU_STEPS = ("train", "evaluate")
LAST_WORDS_S = 5  # for a grandchild that holds the pipe open after its parent died
ANSWER_WITHIN = timedelta(days=2)  # an unanswered request is a no: the champion stays


def tell(context: Any) -> None:
    """A step that gave up tells the webhook, without any text from logs."""
    ti = context["ti"]
    pipeline("notify", f"{ti.dag_id}.{ti.task_id}", context["dag_run"].run_id)


DEFAULTS = {
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "on_failure_callback": tell,
}


def pipeline(*words: str) -> dict[str, Any]:
    """Run `python -m pipeline …` and give its JSON. The child ends with the task, and its stderr is the task's log.

    Exit 65 and 2 fail at once; 75, a kill and anything unforeseen are worth a retry, which goes on where the child stopped.
    """
    command = [machine.load().python, "-m", "pipeline", *words, "--json"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "errors": "replace"}
    child = subprocess.Popen(command, env=machine.child_environment(), **pipes)
    words_of_child = threading.Thread(target=relay, args=(child.stderr,), daemon=True)
    words_of_child.start()

    def stop(number: int, frame: Any) -> None:
        child.terminate()
        os._exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        out = child.stdout.read() if child.stdout else ""
        child.wait()
        words_of_child.join(LAST_WORDS_S)
    finally:
        signal.signal(signal.SIGTERM, before)
        if child.poll() is None:
            child.kill()
    if child.returncode in FINAL:
        raise AirflowFailException(
            f"`{' '.join(words)}` ended with exit code {child.returncode}: the same input will fail again; its own words stand above"
        )
    if child.returncode:
        raise AirflowException(f"`{' '.join(words)}` ended with exit code {child.returncode}: worth a retry; its own words stand above")
    return json.loads(out)


def relay(lines: Iterable[str] | None) -> None:
    """Print what the child says, line by line: Airflow logs a task's stderr as errors, and progress is none."""
    for line in lines or ():
        print(line.rstrip(), flush=True)


def stage(name: str) -> Any:
    """The task of one stage: `stage("mine")(lesson, logs)`. GPU steps go to the executor and queue that the environment names."""

    @task(task_id=name, pool=POOL, **(on_gpu() if name in GPU_STEPS else {}))
    def run(lesson: str, id: str) -> str:
        result = pipeline(name, id, "--recipe", lesson)
        enough(name, result)
        if result.get("verdict") == "block" and name == "gate":
            pipeline("attribute", result["id"], "--how", "d")  # seconds, by the words alone: the report shows it
        return result["id"]

    return run


def on_gpu() -> dict[str, Any]:
    """The executor and the queue that the environment names for steps that run a model."""
    settings = machine.load()
    return {k: v for k, v in (("executor", settings.gpu_executor), ("queue", settings.gpu_queue)) if v}


def measure() -> Any:
    """The task that measures the day's rows under the champion and the origin before they are mixed, where the recipe's `mixing.measure_rows`
    asks for it. No id crosses: `mix` finds by itself what was measured."""

    @task(task_id="measure", pool=POOL, **on_gpu())
    def run(lesson: str, pairs: str) -> None:
        if recipe.load(machine.load(), lesson).mixing.measure_rows:
            pipeline("evaluate", "--rows", pairs, "--recipe", lesson)

    return run


def enough(name: str, result: dict[str, Any]) -> None:
    """A day with nothing to learn from ends green: the steps after it are skipped, and the log says why."""
    if name == "mine" and not result["enough"]:
        raise AirflowSkipException(
            f"too little new feedback: {result['examples']} examples, {result['pairs']} pairs, {result['unpaired']} votes; the champion stays"
        )
    if name == "mix" and result["method"] == "none":
        raise AirflowSkipException("nothing to train on, the plan says why; the champion stays")


@task
def the_day() -> str:
    """The day whose logs are taken: the form's, else the day before this run was due."""
    context = get_current_context()
    asked = context["params"].get("day")
    run = context["dag_run"]
    return date.fromisoformat(asked).isoformat() if asked else ((run.logical_date or run.run_after) - timedelta(days=1)).date().isoformat()


@task
def forget(lesson: str) -> str | None:
    """Erase what nobody has to ask for: texts whose consent was withdrawn, and what is older than the recipe's `retention`."""
    return pipeline("forget", "--due", "--recipe", lesson)["id"]


@task(multiple_outputs=False)
def request(report: str) -> dict[str, Any]:
    """The verdict, who decides under the recipe's approval, and the table that an approver reads."""
    return pipeline("request", report)


@task.branch
def who_decides(asked: dict[str, Any]) -> str:
    """The gate alone, a person, or nobody: a blocked verdict cannot be approved."""
    return {"gate": "promote", "person": "approve", "nobody": "blocked"}[asked["decides"]]


@task
def promote(report: str) -> str:
    """What the gate showed to be safe goes in service."""
    return pipeline("promote", report)["id"]


@task
def blocked(report: str) -> str:
    """The end of a blocked model: green, written down, and the champion stays."""
    return f"{report}: blocked, the champion stays"


def repair() -> Any:
    """The task behind a block: where the recipe says `repair: auto`, what can be mended is mended within its minutes. A repaired candidate
    that the gate lets through goes in service; one that needs a person waits for `equipoise promote`, and the webhook says so."""

    @task(task_id="repair", pool=POOL, **on_gpu())
    def run(asked: dict[str, Any], stopped: str) -> str:
        if asked["repair"] != "auto":
            raise AirflowSkipException(f"{stopped}; the recipe leaves repair to a person: equipoise repair {asked['verdict_id']}")
        mended = pipeline("repair", asked["verdict_id"])
        if pipeline("request", mended["report"])["decides"] != "gate":
            return mended["report"]
        return pipeline("promote", mended["report"])["id"]

    return run


class Approval(ApprovalOperator):
    """An approval whose answer can be read after a no too: the operator's own result is lost when it skips what is below it."""

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        if "error" not in event:
            context["ti"].xcom_push(key="answer", value={k: event[k] for k in ("chosen_options", "params_input", "responded_by_user")})
        return super().execute_complete(context, event)


@task(trigger_rule="none_failed")
def answered() -> None:
    """One hop between the request and its record: a rejection skips what stands directly below it, whatever that one's rule."""


@task(trigger_rule="none_failed")
def record(report: str) -> str | None:
    """Promote after a yes, or write down the no; both name who decided."""
    answer = get_current_context()["ti"].xcom_pull(task_ids="approve", key="answer")
    if not answer:
        raise AirflowSkipException("nobody was asked: nothing to record")
    who = (answer.get("responded_by_user") or {}).get("name") or "nobody (the time to answer ran out)"
    note = (answer.get("params_input") or {}).get("note") or "no note"
    verb = [] if Approval.APPROVE in answer["chosen_options"] else ["--reject"]
    return pipeline("promote", report, "--by", who, "--note", note, *verb)["id"]


def decide(report: Any) -> None:
    """From a report to a decision: by the gate, or by a person who is shown the verdict's table; no answer is a no."""
    asked = request(report)
    approve = Approval(
        task_id="approve",
        subject="{{ ti.xcom_pull(task_ids='request')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='request')['markdown'] }}",
        defaults=Approval.REJECT,
        response_timeout=ANSWER_WITHIN,
        params={"note": Param(None, type=["null", "string"], description="why; kept in decisions.jsonl")},
    )
    stopped = blocked(report)
    who_decides(asked) >> [promote(report), approve, stopped]
    repair()(asked, stopped)
    approve >> answered() >> record(report)
