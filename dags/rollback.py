"""Put an earlier release back in service, in seconds.

Trigger it by hand: `to` is a release id, `origin`, or empty for the release before; `reason` is kept in decisions.jsonl.

*Triage.* Red with "the same input will fail again": `to` names no sealed release; `equipoise status` and the folder
`home/release` say which there are. Nothing else can go wrong: the switch is one rename.
"""

from datetime import datetime

from airflow.sdk import Param, dag, get_current_context, task

from dags import steps


@task
def rollback() -> str:
    """Move current.json back, and record who asked and why."""
    context = get_current_context()
    params = context["params"]
    who = context["dag_run"].triggering_user_name or "airflow"
    words = ["rollback", "--reason", params["reason"], "--by", who, *(["--to", params["to"]] if params.get("to") else [])]
    return steps.pipeline(*words)["id"]


@dag(
    schedule=None,
    start_date=datetime(2026, 11, 1),
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    params={
        "to": Param(None, type=["null", "string"], description="a release-… id or `origin`; empty = the release before"),
        "reason": Param(type="string", minLength=3, maxLength=2000),
    },
    doc_md=__doc__,
    tags=["equipoise"],
)
def rollback_release():
    rollback()


rollback_release()
