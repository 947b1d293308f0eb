"""Measure a model again, after a suite changed or a new machine came: scores and a verdict, and nobody is promoted.

Trigger it by hand: `model` is a model-… id or `origin`, `recipe` names the suites.

*Triage.* As `daily_retrain`: "the same input will fail again" names what to mend; anything else, clear the step.
"""

from datetime import datetime

from airflow.sdk import Param, dag

from dags import steps


@dag(
    schedule=None,
    start_date=datetime(2026, 11, 1),
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    params={
        "model": Param(type="string", pattern="^(origin|model-[0-9]{8}-[0-9a-f]{8})$"),
        "recipe": Param("daily", type="string", pattern="^[a-z][a-z0-9_]*$"),
    },
    doc_md=__doc__,
    tags=["equipoise"],
)
def reevaluate():
    lesson = "{{ params.recipe }}"
    id = steps.stage("evaluate")(lesson, "{{ params.model }}")
    for name in ("gate", "report"):
        id = steps.stage(name)(lesson, id)


reevaluate()
