"""Airflow for the DAG tests: a database of its own, made once, and no examples."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
os.environ.setdefault("AIRFLOW_HOME", "/nonexistent")  # Airflow reads it at import; the fixture below sets the real one first


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a migrated Airflow; also put into this process before Airflow is imported."""
    home = tmp_path_factory.mktemp("airflow")
    variables = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    os.environ.update(variables)
    subprocess.run(
        [str(Path(sys.executable).parent / "airflow"), "db", "migrate"], env=os.environ | variables, check=True, capture_output=True
    )
    yield variables
