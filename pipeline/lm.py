"""The only door to a served model: chat completions of any OpenAI-compatible endpoint, retried with backoff."""

import http.client
import json
import random
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pipeline.errors import Permanent, Transient

TRIES, FIRST_WAIT_S = 5, 0.5  # 0.5 + 1 + 2 + 4 s: rides over a restart of the server, not over an outage
LONGEST_WAIT_S = 60.0  # a server that asks for more is busy for this night: the caller decides what goes on without it
WORTH_A_RETRY = {408, 409, 425, 429, 500, 502, 503, 504}
ABOUT_THE_KEY = {401, 403}
OURS = {"model", "messages", "max_tokens", "temperature"}
MOST_BYTES = 16 * 1024 * 1024  # of one reply: an answer of 4,096 tokens is 20 kB
CHARS_A_TOKEN = 3  # where a server does not count: English has four, Chinese one to two


class Refused(Permanent):
    """The endpoint will not answer this request, however often it is asked."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status

    @property
    def everything(self) -> bool:
        """Whether it refuses us rather than the request: a wrong key, address or model."""
        return self.status not in (400, 413, 422)


@dataclass(frozen=True)
class Reply:
    """What came back, and what it cost."""

    text: str
    tokens: int
    """Read and written; estimated from the length where the server does not count."""
    cut: bool = False
    """Whether the answer ended because it was too long."""


@dataclass(frozen=True)
class Served:
    """One served model. Only fields that `transformers serve` accepts are sent, and the extras that somebody declared."""

    url: str
    """Base address, up to and with /v1; a query (`?api-version=…`) stays behind the path."""
    model: str
    key: str | None = field(default=None, repr=False)
    timeout_s: float = 120.0
    """Of one try, from the request to the last byte of its answer."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request, for servers that know them."""
    tries: int = TRIES

    def __post_init__(self) -> None:
        """Refuse what would leak a secret or leave the web: a key that no header can carry is repeated by Python's own error."""
        at = urlsplit(self.url)
        if at.scheme not in ("http", "https") or not at.hostname:
            raise Permanent(f"{at.scheme or 'no scheme'}: a served model has an http or https address, up to and with /v1")
        if at.username or at.password:
            raise Permanent(f"{self.place}: the address holds a user or a password; give the key apart")
        if self.key is not None and not re.fullmatch(r"[\x21-\x7e]+", self.key):
            raise Permanent(f"{self.place}: the key holds a space, a line end or a letter outside ASCII; write it without")
        if clash := OURS & set(self.extras) | {"stream"} & set(self.extras):
            raise Permanent(f"{self.place}: {sorted(clash)[0]} is no extra field, it is set for every request")

    @property
    def place(self) -> str:
        """The address as it may be shown: without user, password and query."""
        at = urlsplit(self.url)
        host = f"[{at.hostname}]" if ":" in (at.hostname or "") else at.hostname or ""
        return urlunsplit((at.scheme, f"{host}:{at.port}" if at.port else host, at.path, "", ""))

    def answer(self, messages: list[dict], max_tokens: int, temperature: float = 0.0) -> str:
        """The assistant's text. Errors: Refused for a request that is turned down, Transient when the endpoint stays down."""
        return self.ask(messages, max_tokens, temperature).text

    def ask(self, messages: list[dict], max_tokens: int, temperature: float = 0.0) -> Reply:
        """The same with its cost."""
        body = {"model": self.model, "messages": messages, "max_tokens": max_tokens, "temperature": temperature} | dict(self.extras)
        reply = self._post("/chat/completions", body)
        try:
            choice = reply["choices"][0]
            text = str(choice["message"]["content"] or "")
            cut = choice.get("finish_reason") == "length"
        except (KeyError, IndexError, TypeError, AttributeError):
            raise Permanent(f"{self.place}: the reply has no choices[0].message.content; is this an OpenAI-compatible endpoint?") from None
        return Reply(text, _tokens(reply.get("usage"), messages, text), cut)

    def _post(self, path: str, body: dict) -> Any:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        request = urllib.request.Request(self._address(path), json.dumps(body).encode(), headers)  # noqa: S310 - http or https, see above
        why = ""
        for attempt in range(self.tries):
            wait = FIRST_WAIT_S * 2**attempt * (0.5 + random.random())
            try:
                return self._once(request)
            except urllib.error.HTTPError as error:
                why = self._said(error)
                if error.code not in WORTH_A_RETRY:
                    raise Refused(f"{self.place} refuses the request ({why})", error.code) from None
                asked = retry_after(error.headers.get("retry-after"))
                if asked > LONGEST_WAIT_S:
                    raise Transient(f"{self.place} asks to be left alone for {asked:.0f} s ({why}); try again later") from None
                wait = max(wait, asked * (1 + 0.1 * random.random()))
            except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ValueError) as error:
                why = self._hidden(str(getattr(error, "reason", None) or error) or type(error).__name__)
            if attempt + 1 < self.tries:
                time.sleep(wait)
        raise Transient(f"{self.place} gave no answer in {self.tries} tries ({why}); is the server up?")

    def _once(self, request: urllib.request.Request) -> Any:
        """One try. The time limit counts to the last byte: a server that drips a byte a minute would hold a day for ever."""
        start = time.monotonic()
        data = bytearray()
        with _straight().open(request, timeout=self.timeout_s) as reply:
            while chunk := reply.read1(64 * 1024):
                data += chunk
                if time.monotonic() - start > self.timeout_s:
                    raise TimeoutError(f"the answer was not whole after {self.timeout_s:.0f} s")
                if len(data) > MOST_BYTES:
                    raise ValueError(f"the answer is longer than {MOST_BYTES} bytes")
        return json.loads(data.decode("utf-8"))

    def _said(self, error: urllib.error.HTTPError) -> str:
        """What the server says of its error. About a key it may quote the key in part, so that is not repeated."""
        if error.code in ABOUT_THE_KEY:
            return f"HTTP {error.code}: the key is {'wrong' if self.key else 'missing'}, or may not do this"
        try:
            body = error.read(300).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            body = ""
        return self._hidden(f"HTTP {error.code}: {body}")

    def _hidden(self, text: str) -> str:
        """The text without the key, also where it is quoted in part."""
        if not self.key:
            return text
        whole = text.replace(self.key, "(key)")
        return re.sub(re.escape(self.key[:8]) + r"[\w.*…-]*", "(key)", whole) if len(self.key) >= 12 else whole

    def _address(self, path: str) -> str:
        at = urlsplit(self.url)
        return urlunsplit((at.scheme, at.netloc, at.path.rstrip("/") + path, at.query, ""))

    def ready(self) -> bool:
        """Whether the server answers at all."""
        health = self.url.rstrip("/").removesuffix("/v1") + "/health"
        try:
            with urllib.request.urlopen(health, timeout=2) as reply:  # noqa: S310
                return reply.status == 200
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False


class _Stay(urllib.request.HTTPRedirectHandler):
    """An endpoint that points elsewhere is not followed: urllib would take the key along."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _straight() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Stay)


def retry_after(value: str | None) -> float:
    """Seconds to wait by a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3); 0 where it says nothing readable."""
    try:
        seconds = float(value or "")
    except ValueError:
        try:
            until = parsedate_to_datetime(value or "")
        except ValueError:
            return 0.0
        seconds = (until.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if seconds < float("inf") else 0.0


def _tokens(usage: Any, messages: list[dict], text: str) -> int:
    counted = usage.get("total_tokens") if isinstance(usage, dict) else None
    if isinstance(counted, int) and not isinstance(counted, bool) and counted >= 0:
        return counted
    return (sum(len(str(m.get("content") or "")) for m in messages) + len(text)) // CHARS_A_TOKEN + 1
