"""Take in yesterday's logs, learn from them, and promote what the gate lets through.

Runs every night at 02:00 UTC for the day before. Every step is a child process of `python -m pipeline`; running a day again
changes nothing. Trigger it by hand with a `day` to backfill, or with another `recipe`.

*Triage.* A red step that says "the same input will fail again": read the sentence above it, mend what it names (a recipe, a
log file, the model folder), clear the step. A red step that says "worth a retry" has used its retries: look at disk, locks and
the GPU host, then clear it. Skipped steps are no fault: too little feedback, a blocked model, or nothing for a person to
decide. A waiting `approve` step: open the report that it names and decide; no answer within two days is a no.
"""

from datetime import date, datetime, timedelta

from airflow.sdk import Param, dag, task

from dags import steps
from pipeline import settings as machine


@task
def ingest(day: str) -> str:
    """The day's logs from the inbox."""
    return steps.pipeline("ingest", machine.load().inbox_of(date.fromisoformat(day)), "--day", day)["id"]


@dag(
    schedule="0 2 * * *",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    dagrun_timeout=timedelta(days=3),
    params={
        "day": Param(None, type=["null", "string"], format="date", description="yyyy-mm-dd; empty = the day before this run was due"),
        "recipe": Param("daily", type="string", pattern="^[a-z][a-z0-9_]*$", description="the lesson"),
    },
    doc_md=__doc__,
    tags=["equipoise"],
)
def daily_retrain():
    lesson = "{{ params.recipe }}"
    id = ingest(steps.the_day())
    for name in ("mine", "mix", "train", "evaluate", "gate", "report"):
        id = steps.stage(name)(lesson, id)
    steps.decide(id)


daily_retrain()
