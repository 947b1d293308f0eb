"""The step behind a block mends what the recipe lets it mend, and puts in service only what the gate alone decides."""

import pytest

pytestmark = pytest.mark.usefixtures("airflow")


@pytest.mark.parametrize(
    ("asked", "decides", "ends"), [("by_hand", "gate", None), ("auto", "gate", "release-1"), ("auto", "person", "report-2")]
)
def test_the_dag_step_behind_a_block_follows_the_recipe(
    monkeypatch: pytest.MonkeyPatch, asked: str, decides: str, ends: str | None
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from dags import steps

    said = {"repair": {"report": "report-2"}, "request": {"decides": decides}, "promote": {"id": "release-1"}}
    monkeypatch.setattr(steps, "pipeline", lambda name, *_: said[name])
    run = steps.repair().function
    facts = {"repair": asked, "verdict_id": "verdict-1"}
    if ends is None:
        with pytest.raises(AirflowSkipException, match="equipoise repair verdict-1"):
            run(facts, "report-1: blocked")
    else:
        assert run(facts, "report-1: blocked") == ends
