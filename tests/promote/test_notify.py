"""The webhook: a real local server hears of block, hold and approval wanted; nothing that goes wrong there stops a day."""

import json
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline import notify, recipe
from pipeline.report import run as report
from tests import lineage_world


@pytest.fixture
def server():
    """Answers as `status` says and keeps what it was told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.append((self.headers["Content-Type"], json.loads(body)))
            time.sleep(server.wait)
            self.send_response(server.status)
            if server.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self):
            server.heard.append(("GET", self.path))

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.heard, server.status, server.wait = [], 200, 0.0
    server.url = f"http://127.0.0.1:{server.server_port}/hooks/SECRET"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()


@pytest.mark.parametrize(
    ("verdict", "approval", "event"),
    [("block", "on_hold", "block"), ("hold", "on_hold", "hold"), ("promote", "always", "approval wanted"), ("promote", "auto", None)],
)
def test_a_report_tells_the_webhook_when_a_person_is_wanted_and_only_once(home, server, verdict, approval, event):
    settings = replace(home, notify_url=server.url)
    lesson = recipe.Recipe(approval=approval)
    poison = lambda s: s + " SECRET LOG TEXT"  # noqa: E731
    world = lineage_world.build(settings, verdict, lesson=lesson, text=poison)
    for _ in range(2):
        made = report.run(world.verdict, lesson, settings)
    assert [m["event"] for _, m in server.heard] == ([event] if event else [])
    for kind, message in server.heard:
        assert kind == "application/json"
        assert (message["report"], message["verdict_id"], message["candidate"]) == (made["id"], world.verdict, world.model)
        assert "SECRET" not in json.dumps(message), "no log text and no secret leaves the house"


def test_a_failure_names_stage_and_exit_code_and_no_message():
    message = notify.failure("train", "mix-20261120-00000000", 75, retry=True)
    assert (message["event"], message["stage"], message["exit_code"]) == ("failure", "train", 75)
    assert "tried again" in message["text"]


@pytest.mark.parametrize("status", [200, 204])
def test_a_taken_message_is_true(server, status):
    server.status = status
    assert notify.send(server.url, {"event": "block"})
    assert server.heard[0][1] == {"event": "block"}


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_refusing_server_is_said_and_not_raised_and_a_redirect_is_not_followed(server, status, capsys):
    server.status = status
    assert not notify.send(server.url, {"event": "block"})
    assert len(server.heard) == 1
    assert "127.0.0.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://nowhere.invalid/x", "file:///etc/passwd", "ftp://x/y", "http://[", "not a url", "http://a b/"]
)
def test_an_address_that_does_not_work_never_raises_and_never_shows_its_secret(url, capsys):
    assert not notify.send(url + "?token=SECRET", {"event": "block"})
    assert "SECRET" not in capsys.readouterr().err


def test_a_server_that_hangs_costs_no_more_than_the_timeout(server, monkeypatch):
    monkeypatch.setattr(notify, "TIMEOUT_S", 0.3)
    server.wait = 3.0
    start = time.monotonic()
    assert not notify.send(server.url, {"event": "block"})
    assert time.monotonic() - start < 2


def test_without_an_address_nobody_is_told():
    assert not notify.send(None, {"event": "block"})
