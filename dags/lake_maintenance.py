"""Keep the lake small and fast: few large files instead of many small ones, no old versions and no left-overs of killed runs.

Runs every Sunday at 05:00 UTC, beside readers and writers; it waits for an ingest that is under way before it removes files. A day
can be mined anew, exactly as the lake stood then, for `keep_days`; logs that nobody has mined yet keep their version however old.

*Triage.* Nothing is lost when this is red: rows never change here, and the next run does what this one left. "Worth a retry" means
another writer was faster each time, or the database or the bucket did not answer: clear the step when they do. Anything else stands
in the last line of its log; `equipoise lake` shows what the lake weighs meanwhile.
"""

from datetime import datetime, timedelta

from airflow.sdk import Param, dag, get_current_context, task

from dags import steps


@task
def compact() -> None:
    """Merge, rewrite, let old versions go, remove what nothing needs."""
    steps.pipeline("lake", "compact", "--keep-snapshots", str(get_current_context()["params"]["keep_days"]))


@dag(
    schedule="0 5 * * 0",
    start_date=datetime(2026, 11, 1),
    catchup=False,
    max_active_runs=1,
    default_args=steps.DEFAULTS,
    dagrun_timeout=timedelta(hours=12),
    params={
        "keep_days": Param(30, type="integer", minimum=0, maximum=3650, description="days that can be mined anew exactly as they were")
    },
    doc_md=__doc__,
    tags=["equipoise"],
)
def lake_maintenance():
    compact()


lake_maintenance()
