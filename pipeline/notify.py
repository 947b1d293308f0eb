"""Tell a webhook that a person is wanted. Ids and verdicts only: no log text, no secret, and never a reason to stop."""

import http.client
import json
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from pipeline.progress import say

TIMEOUT_S = 5.0  # a slow chat server must not hold up a day


def decision(report: str, verdict: str, approval: str, facts: dict[str, Any]) -> dict[str, Any] | None:
    """What to say about a new report; None where nobody needs to be told."""
    if verdict == "promote" and approval != "always":
        return None
    event = verdict if verdict in ("block", "hold") else "approval wanted"
    wanted = verdict != "block" and approval != "auto"
    ids = {k: facts.get(k) for k in ("day", "verdict_id", "candidate", "champion")}
    stays = f"{facts.get('champion')} stays in service" + (" until a person decides" if wanted else "")
    text = f"Equipoise {facts.get('day')}: {event}. {stays}. Report: {report}"
    return {"event": event, "approval_wanted": wanted, "report": report, "verdict": verdict, **ids, "text": text}


def failure(stage: str, id: str | None, exit_code: int, retry: bool) -> dict[str, Any]:
    """What to say about a stage that failed. Its message may quote log text, so it stays in the log."""
    again = "will be tried again" if retry else "needs a person"
    text = f"Equipoise: {stage} {id or ''} ended with exit code {exit_code} and {again}; its log says why"
    return {"event": "failure", "stage": stage, "id": id, "exit_code": exit_code, "retry": retry, "text": text}


class _Stay(urllib.request.HTTPRedirectHandler):
    """A webhook that points elsewhere is not followed: the message is for the address in the settings."""

    def redirect_request(self, *_: Any) -> None:
        return None


def send(url: str | None, message: dict[str, Any] | None) -> bool:
    """POST the message as JSON. True when it was taken; whatever goes wrong is said on stderr, without the address's secret part."""
    if not url or not message:
        return False
    try:
        where = urlsplit(url)
    except ValueError:
        where = urlsplit("")
    if where.scheme not in ("http", "https"):
        say("EQUIPOISE_NOTIFY_URL is no http(s) address: nobody was told")
        return False
    headers = {"Content-Type": "application/json", "User-Agent": "equipoise"}
    try:
        request = urllib.request.Request(url, json.dumps(message).encode(), headers, method="POST")  # noqa: S310 - http(s) only, see above
        with urllib.request.build_opener(_Stay).open(request, timeout=TIMEOUT_S) as answer:
            return 200 <= answer.status < 300
    except (OSError, ValueError, http.client.HTTPException) as error:
        say(f"the webhook at {where.hostname} was not reached ({type(error).__name__}): nobody was told of {message['event']}")
        return False
