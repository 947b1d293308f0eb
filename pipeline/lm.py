"""The only door to a served model: chat completions of any OpenAI-compatible endpoint, retried with backoff."""

import json
import random
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from pipeline.errors import Permanent, Transient

TRIES, FIRST_WAIT_S = 5, 0.5  # 0.5 + 1 + 2 + 4 s: rides over a restart of the server, not over an outage
WORTH_A_RETRY = {408, 409, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Served:
    """One served model. Only fields that `transformers serve` accepts are ever sent."""

    url: str
    """Base address, up to and with /v1."""
    model: str
    key: str | None = None
    timeout_s: float = 120.0

    def answer(self, messages: list[dict], max_tokens: int, temperature: float = 0.0) -> str:
        """The assistant's text. Errors: Permanent for a request that is refused, Transient when the endpoint stays down."""
        body = {"model": self.model, "messages": messages, "max_tokens": max_tokens, "temperature": temperature}
        reply = self._post("/chat/completions", body)
        try:
            return str(reply["choices"][0]["message"]["content"] or "")
        except (KeyError, IndexError, TypeError):
            raise Permanent(f"{self.url}: the reply has no choices[0].message.content; is this an OpenAI-compatible endpoint?") from None

    def _post(self, path: str, body: dict) -> dict:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        request = urllib.request.Request(self.url.rstrip("/") + path, json.dumps(body).encode(), headers)  # noqa: S310 - the address is the operator's own setting
        why = ""
        for attempt in range(TRIES):
            try:
                with urllib.request.urlopen(request, timeout=self.timeout_s) as reply:  # noqa: S310
                    return json.load(reply)
            except urllib.error.HTTPError as error:
                why = f"HTTP {error.code}: {error.read(300).decode(errors='replace')}"
                if error.code not in WORTH_A_RETRY:
                    raise Permanent(f"{self.url} refuses the request ({why})") from None
            except (urllib.error.URLError, TimeoutError, ConnectionError, json.JSONDecodeError) as error:
                why = str(error)
            time.sleep(FIRST_WAIT_S * 2**attempt * (0.5 + random.random()))
        raise Transient(f"{self.url} gave no answer in {TRIES} tries ({why}); is the server up?")

    def ready(self) -> bool:
        """Whether the server answers at all."""
        health = self.url.rstrip("/").removesuffix("/v1") + "/health"
        try:
            with urllib.request.urlopen(health, timeout=2) as reply:  # noqa: S310
                return reply.status == 200
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False
