"""Take in yesterday's logs, learn from them, and promote what the gate lets through.

Runs every night at 02:00 UTC for the day before. Every step is a child process of `python -m pipeline`; running a day again
changes nothing. Trigger it by hand with a `day` to backfill, or with another `recipe`.

*Triage.* A red step with "the same input will fail again": read the sentence above it, mend what it names (a recipe, a log
file, the model folder), clear the step. A red step with "worth a retry" has used its retries: look at disk, locks and the
GPU host, then clear it. Skipped steps are no fault: too little feedback, a blocked model, or nothing for a person to decide.
A waiting `approve` step: open the report it names, decide; no answer is a no.
"""

from datetime import datetime, timedelta

from airflow.sdk import Param, dag, task
from dags import steps


@task
def ingest(day: str) -> str:
    """The day's logs from the inbox."""
    from pipeline import settings as machine
    from pipeline.commands.day import inbox

    where = inbox(machine.load(), datetime.fromisoformat(day).date())
    return steps.pipeline("ingest", where, "--day", day)["id"]


@task(task_id="promote", trigger_rule="none_failed")
def promote(report: str) -> str:
    """What the gate shows to be safe goes in service; what it holds waits for a person."""
    return steps.promote_or_ask(report)


@dag(
    schedule="0 2 * * *",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    dagrun_timeout=timedelta(days=3),
    params={
        "day": Param(None, type=["null", "string"], format="date", description="yyyy-mm-dd; empty = the day before this run"),
        "recipe": Param("daily", type="string", pattern="^[a-z][a-z0-9_]*$", description="the lesson"),
    },
    doc_md=__doc__,
    tags=["equipoise"],
)
def daily_retrain():
    lesson = "{{ params.recipe }}"
    logs = ingest(steps.the_day())
    pairs = steps.stage("mine")(lesson, logs)
    mix = steps.stage("mix")(lesson, pairs)
    model = steps.stage("train")(lesson, mix)
    scores = steps.stage("evaluate")(lesson, model)
    verdict = steps.stage("gate")(lesson, scores)
    report = steps.stage("report")(lesson, verdict)
    steps.decide(report)


daily_retrain()
