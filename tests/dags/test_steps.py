"""A step maps a child's end to Airflow's: 65 fails at once, 75 and kills are retried, and too little feedback is a green skip."""

import stat
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("airflow")


def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a script in the place of the interpreter that runs stages."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EQUIPOISE_PYTHON", str(path))


def test_json_of_the_child_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dags import steps

    child(tmp_path, monkeypatch, 'echo "{\\"id\\": \\"$3 $4 $5\\"}"')
    assert steps.pipeline("mine", "logs-1") == {"id": "mine logs-1 --json"}


@pytest.mark.parametrize("code", [65, 2])
def test_a_final_exit_code_is_not_retried(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from dags import steps

    child(tmp_path, monkeypatch, f"exit {code}")
    with pytest.raises(AirflowFailException, match="the same input will fail again"):
        steps.pipeline("mine", "logs-1")


@pytest.mark.parametrize("end", ["exit 75", "exit 1", "kill -9 $$"])
def test_other_ends_are_worth_a_retry(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    from dags import steps

    child(tmp_path, monkeypatch, end)
    with pytest.raises(AirflowException, match="worth a retry") as caught:
        steps.pipeline("mine", "logs-1")
    assert not isinstance(caught.value, AirflowFailException)


def test_too_little_feedback_and_nothing_to_train_are_green_skips() -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from dags import steps

    with pytest.raises(AirflowSkipException, match="too little new feedback: 0 examples"):
        steps.enough("mine", {"enough": False, "examples": 0, "pairs": 0, "unpaired": 0})
    with pytest.raises(AirflowSkipException, match="nothing to train on"):
        steps.enough("mix", {"method": "none"})
    steps.enough("mine", {"enough": True})
    steps.enough("mix", {"method": "sft"})


def test_the_child_s_words_are_log_lines_and_no_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from dags import steps

    child(tmp_path, monkeypatch, 'echo "half done" >&2; echo "{}"')
    assert steps.pipeline("train", "mix-1") == {}
    said = capfd.readouterr()
    assert said.out == "half done\n" and said.err == ""
