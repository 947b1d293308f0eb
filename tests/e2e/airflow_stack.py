"""A real Airflow on loopback for one test: api-server, scheduler and dag-processor, each a child, spoken to through REST."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
ENDED = ("success", "failed")


class Stack:
    """The running Airflow: its REST address, and a token for each user."""

    def __init__(self, url: str, home: Path):
        self.url, self.home, self.tokens = url, home, {}

    def call(self, method: str, path: str, body: dict | None = None, user: str = "admin") -> tuple[int, Any]:
        headers = {"content-type": "application/json"}
        if user:
            headers["authorization"] = f"Bearer {self.token(user)}"
        request = urllib.request.Request(self.url + path, json.dumps(body).encode() if body is not None else None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def token(self, user: str) -> str:
        if user not in self.tokens:
            passwords = json.loads((self.home / "simple_auth_manager_passwords.json.generated").read_text())
            status, reply = self.call("POST", "/auth/token", {"username": user, "password": passwords[user]}, user="")
            assert status == 201, reply
            self.tokens[user] = reply["access_token"]
        return self.tokens[user]

    def trigger(self, dag: str, conf: dict) -> str:
        status, reply = self.call("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
        assert status == 200, reply
        return reply["dag_run_id"]

    def states(self, dag: str, run: str) -> dict[str, str]:
        _, reply = self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=100")
        return {ti["task_id"]: ti["state"] for ti in reply["task_instances"]}

    def wait(self, dag: str, run: str, until: Any, seconds: float) -> dict[str, str]:
        """Poll until the run's task states satisfy `until`; a run that ends first, or in another way, fails the test with its states."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            states = self.states(dag, run)
            if until(states):
                return states
            _, reply = self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}")
            assert reply["state"] not in ENDED or until(self.states(dag, run)), (
                f"{run} is {reply['state']}: {states}\n{self.logs(dag, run)}"
            )
            time.sleep(1)
        raise AssertionError(f"{run} after {seconds} s: {self.states(dag, run)}\n{self.logs(dag, run)}")

    def ended(self, dag: str, run: str, seconds: float = 900) -> dict[str, str]:
        """Wait for the whole run to succeed; gives its task states."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            _, reply = self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run}")
            if reply["state"] in ENDED:
                assert reply["state"] == "success", f"{self.states(dag, run)}\n{self.logs(dag, run)}"
                return self.states(dag, run)
            time.sleep(1)
        raise AssertionError(f"{run} has not ended after {seconds} s: {self.states(dag, run)}")

    def answer(self, dag: str, run: str, option: str, note: str, user: str = "admin") -> int:
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/approve/-1/hitlDetails"
        status, _ = self.call("PATCH", path, {"chosen_options": [option], "params_input": {"note": note}}, user)
        return status

    def said(self, dag: str, run: str, task: str) -> str:
        """Everything that a task logged, as Airflow shows it."""
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1?full_content=true"
        _, reply = self.call("GET", path)
        return json.dumps(reply, ensure_ascii=False)

    def logs(self, dag: str, run: str) -> str:
        """The ends of the run's task logs, for a failing test."""
        files = sorted((self.home / "logs").rglob(f"*{run.replace(':', '*')}*/**/*.log"))
        return "\n".join(f"--- {f}\n{f.read_text(errors='replace')[-1500:]}" for f in files[-3:])


@contextmanager
def running(home: Path, **environment: str) -> Iterator[Stack]:
    """Start Airflow with these variables, wait until it answers, and end every part by pid."""
    home.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        **environment,
    }
    subprocess.run([str(BIN / "airflow"), "db", "migrate"], env=env, check=True, capture_output=True)
    parts = []
    try:
        for part in ("api-server", "scheduler", "dag-processor"):
            log = (home / f"{part}.log").open("wb")
            parts.append(subprocess.Popen([str(BIN / "airflow"), part], env=env, stdout=log, stderr=log, cwd=ROOT))
        stack = Stack(f"http://127.0.0.1:{port}", home)
        _until_up(stack, parts)
        yield stack
    finally:
        for child in parts:
            child.terminate()
        for child in parts:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


def _until_up(stack: Stack, parts: list[subprocess.Popen]) -> None:
    limit = time.monotonic() + 180
    while time.monotonic() < limit:
        assert all(p.poll() is None for p in parts), [
            (stack.home / f"{n}.log").read_text()[-800:] for n in ("api-server", "scheduler", "dag-processor")
        ]
        try:
            status, reply = stack.call("GET", "/api/v2/dags")
            if status == 200 and {d["dag_id"] for d in reply["dags"]} >= {"daily_retrain", "hotfix_retrain"}:
                return
        except (OSError, KeyError, AssertionError):
            pass
        time.sleep(0.5)
    raise AssertionError(f"Airflow is not up after 180 s: {(stack.home / 'api-server.log').read_text()[-1500:]}")
