"""A person's answer reaches the step that writes it down, whether it was a yes or a no."""

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("airflow")
ADA = {"id": "7", "name": "ada"}


def answered(option: str) -> dict[str, Any]:
    """Give the approval step an answer; returns what it leaves behind."""
    from airflow.sdk import DAG, Param
    from airflow.sdk.exceptions import DownstreamTasksSkipped
    from airflow.sdk.timezone import utcnow

    from dags import steps

    left: dict[str, Any] = {}
    ti = SimpleNamespace(map_index=-1, xcom_push=lambda key, value: left.update({key: value}), xcom_pull=lambda **_: None)
    with DAG("d", schedule=None):
        step = steps.Approval(task_id="approve", subject="?", params={"note": Param(None, type=["null", "string"])})
        steps.answered() << step
    event = {"chosen_options": [option], "params_input": {"note": "why"}, "responded_at": utcnow(), "responded_by_user": ADA}
    try:
        step.execute_complete({"ti": ti, "task": step}, event)
    except DownstreamTasksSkipped:
        left["skipped"] = True
    return left


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_who_said_what_is_left_for_the_record(option: str) -> None:
    left = answered(option)
    assert left["answer"] == {"chosen_options": [option], "params_input": {"note": "why"}, "responded_by_user": ADA}
    assert left.get("skipped", False) == (option == "Reject")
