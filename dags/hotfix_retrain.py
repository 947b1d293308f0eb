"""Mend one bad answer today: a handful of examples, a short lesson on top of the model in service, the whole gate, and a person's yes.

Trigger it by hand with the form: `file` is a JSONL in the home's hotfix folder, `task` the card it belongs to, `reason` what is
wrong. The examples enter the next daily mix.

*Triage.* `validate` is red: its last line names the file, the line and what to write instead; nothing has started. `train` is
red: clear it, it goes on from its last checkpoint. `approve` waits for a person, and no answer within two days is a no. A run
that ends at `blocked` cannot be approved: read the report's lost items, then write better examples or wait for the daily lesson.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, get_current_context, task

from dags import steps

LESSON = "hotfix"
FORM = {"file", "task", "reason", "day"}


@task(retries=0)
def validate() -> str:
    """The form and the file, before anything starts: inside the hotfix folder, at most 1 MiB, every line in shape, no unknown key."""
    params = dict(get_current_context()["params"])
    unknown = sorted(set(get_current_context()["dag_run"].conf or {}) - FORM)
    if unknown:
        raise steps.AirflowFailException(f"unknown field {unknown[0]!r}: the form has {', '.join(sorted(FORM))}")
    words = ["hotfix", params["file"], "--task", params["task"], "--reason", params["reason"], "--check", "--inside"]
    return steps.pipeline(*words)["file"]


@task
def ingest(file: str) -> str:
    """The examples, as conversations of the app `hotfix`."""
    context = get_current_context()
    day = context["params"].get("day") or datetime.now(UTC).date().isoformat()
    return steps.pipeline("ingest", file, "--format", "hotfix", "--day", day)["id"]


@dag(
    schedule=None,
    start_date=datetime(2026, 11, 1),
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    dagrun_timeout=timedelta(days=3),
    params={
        "file": Param(type="string", minLength=1, maxLength=200, description="a JSONL in the home's hotfix folder"),
        "task": Param(type="string", pattern="^[a-z][a-z0-9_]{0,63}$", description="the task card"),
        "reason": Param(type="string", minLength=3, maxLength=2000, description="what is wrong with the model in service"),
        "day": Param(None, type=["null", "string"], format="date", description="yyyy-mm-dd; empty = today"),
    },
    doc_md=__doc__,
    tags=["equipoise"],
)
def hotfix_retrain():
    id = ingest(validate())
    for name in ("mine", "mix", "train", "evaluate", "gate", "report"):
        id = steps.stage(name)(LESSON, id)
    steps.decide(id)


hotfix_retrain()
