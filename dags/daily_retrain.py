"""Take in yesterday's logs, learn from them, and promote what the gate lets through.

Runs every night at 02:00 UTC for the day before. Every step is a child process of `python -m pipeline`; running a day again
changes nothing. Trigger it by hand with a `day` to backfill, or with another `recipe`.

*Triage.* A red step that says "the same input will fail again": read the sentence above it, mend what it names (a recipe, a
log file, the model folder), clear the step. A red step that says "worth a retry" has used its retries: look at disk, locks and
the GPU host, then clear it. Skipped steps are no fault: too little feedback, a blocked model, or nothing for a person to
decide. A waiting `approve` step: open the report that it names and decide; no answer within two days is a no.
"""

from datetime import date, datetime, timedelta

from airflow.sdk import Param, dag, get_current_context, task

from dags import steps
from pipeline import settings as machine


@task
def shards() -> list[str]:
    """Which parts of the day's files processes of their own take in at once; none where one process takes all."""
    most = get_current_context()["params"].get("shards") or machine.load().shards
    return [f"{n}/{most}" for n in range(1, most + 1)] if most > 1 else []


@task
def shard(day: str, part: str) -> str | None:
    """One part of the day's files. All parts commit to the one lake."""
    return steps.pipeline("ingest", machine.load().inbox_of(date.fromisoformat(day)), "--day", day, "--shard", part)["id"]


@task(trigger_rule="none_failed")
def ingest(day: str) -> str:
    """The day's logs from the inbox: whatever no shard took, and the id behind which all of the day's rows stand."""
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
        "shards": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            maximum=machine.MOST_SHARDS,
            description="processes that take in the files at once; empty = EQUIPOISE_SHARDS",
        ),
        "recipe": Param("daily", type="string", pattern="^[a-z][a-z0-9_]*$", description="the lesson"),
    },
    doc_md=__doc__,
    tags=["equipoise"],
)
def daily_retrain():
    lesson = "{{ params.recipe }}"
    day = steps.the_day()
    id = logs = ingest(day)
    shard.partial(day=day).expand(part=shards()) >> logs
    due = steps.forget(lesson)
    made = {}
    for name in ("mine", "mix", "train", "evaluate", "gate", "report"):
        id = made[name] = steps.stage(name)(lesson, id)
    logs >> due >> made["mine"]
    steps.measure()(lesson, made["mine"]) >> made["mix"]
    steps.decide(id)


daily_retrain()
