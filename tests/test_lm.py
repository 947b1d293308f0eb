"""The door to a served model: what is sent, what is tried again and for how long, and what never leaves it."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pipeline import lm
from pipeline.errors import Permanent, Transient
from pipeline.lm import Refused, Served
from tests.mine.judges import ACCEPTED, Endpoint, endpoint

KEY = "sk-secret-0123456789abcdef"
ASKED = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
def here() -> Iterator[Endpoint]:
    with endpoint(lambda asked: "hello") as found:
        yield found


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What it would have waited."""
    waits: list[float] = []
    monkeypatch.setattr(lm.time, "sleep", waits.append)
    return waits


def test_only_fields_that_transformers_serve_accepts_are_sent_and_extras_as_declared(here: Endpoint) -> None:
    from transformers.cli.serving.chat_completion import UNUSED_CHAT_COMPLETION_FIELDS, ChatCompletionHandler

    accepted = ChatCompletionHandler._valid_params_class.__mutable_keys__ - UNUSED_CHAT_COMPLETION_FIELDS
    Served(here.url, "m").answer(ASKED, 8)
    assert set(here.requests[0]) - {"path"} == ACCEPTED <= accepted
    with pytest.raises(Refused, match=r"422.*seed"):
        Served(here.url, "m", extras={"seed": 17}).answer(ASKED, 8)
    assert here.requests[-1]["seed"] == 17
    with pytest.raises(Permanent, match="temperature"):
        Served(here.url, "m", extras={"temperature": 1})


def test_the_reply_tells_its_tokens_and_they_are_estimated_where_the_server_counts_none(here: Endpoint) -> None:
    served = Served(here.url, "m")
    assert served.ask(ASKED, 8) == lm.Reply("hello", 100)
    here.usage = False
    assert served.ask(ASKED, 8).tokens == (len("Say hello.") + len("hello")) // 3 + 1


@pytest.mark.parametrize("status", sorted(lm.WORTH_A_RETRY))
def test_what_passes_is_tried_again_with_growing_waits(here: Endpoint, slept: list[float], status: int) -> None:
    here.failures = [(status, {}, "busy")] * 3
    assert Served(here.url, "m").answer(ASKED, 8) == "hello" and len(here.requests) == 4
    assert [0.5 * 2**n <= wait / lm.FIRST_WAIT_S <= 1.5 * 2**n for n, wait in enumerate(slept)] == [True] * 3


def test_an_endpoint_that_stays_down_is_transient_after_the_last_try_without_a_last_wait(here: Endpoint, slept: list[float]) -> None:
    here.failures = [(500, {}, "broken")] * 99
    with pytest.raises(Transient, match=r"no answer in 5 tries .HTTP 500: broken"):
        Served(here.url, "m").answer(ASKED, 8)
    assert (len(here.requests), len(slept)) == (5, 4)


def test_a_server_that_names_its_wait_is_given_it(here: Endpoint, slept: list[float]) -> None:
    here.failures = [(429, {"retry-after": "7"}, "")]
    Served(here.url, "m").answer(ASKED, 8)
    assert 7 <= slept[0] <= 7.7


def test_a_server_that_wants_to_be_left_alone_for_long_is_left_alone_at_once(here: Endpoint, slept: list[float]) -> None:
    here.failures = [(429, {"retry-after": "3600"}, "")]
    with pytest.raises(Transient, match="left alone for 3600 s"):
        Served(here.url, "m").answer(ASKED, 8)
    assert (len(here.requests), slept) == (1, [])


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 <= lm.retry_after(soon) <= 30
    assert [lm.retry_after(v) for v in ("12", "0", "-3", "soon", "", None, "nan", "inf", "Mon, 01 Jan 2001 00:00:00 GMT")] == [12] + [0] * 8


@pytest.mark.parametrize(("status", "everything"), [(400, False), (413, False), (422, False), (401, True), (403, True), (404, True)])
def test_a_refusal_is_final_and_says_whether_it_is_about_the_request(
    here: Endpoint, slept: list[float], status: int, everything: bool
) -> None:
    here.failures = [(status, {}, "no")]
    with pytest.raises(Refused) as error:
        Served(here.url, "m").answer(ASKED, 8)
    assert (error.value.everything, error.value.exit_code, slept, len(here.requests)) == (everything, 65, [], 1)


@pytest.mark.parametrize("body", ["", "[]", '{"choices": []}', '{"choices": [{"message": null}]}'])
def test_a_reply_in_another_shape_is_named(here: Endpoint, slept: list[float], body: str) -> None:
    here.failures = [(200, {}, body)] * 5
    with pytest.raises((Permanent, Transient), match=r"OpenAI-compatible|no answer in 5 tries"):
        Served(here.url, "m").answer(ASKED, 8)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("quoted", [KEY, f"{KEY[:8]}…cdef", f"{KEY[:9]}**********cdef"])
def test_the_key_is_in_no_error(here: Endpoint, slept: list[float], status: int, quoted: str) -> None:
    here.failures = [(status, {}, f"Incorrect key provided: {quoted}.")] * 9
    served = Served(here.url, "m", KEY)
    with pytest.raises((Permanent, Transient)) as error:
        served.answer(ASKED, 8)
    assert f"Bearer {KEY}" in here.keys
    assert KEY[:8] not in f"{error.value!r} {served!r} {error.value.__context__ if not error.value.__suppress_context__ else ''}"


@pytest.mark.parametrize("key", ["with space", "line\nend", "schlüssel", ""])
def test_a_key_that_no_header_carries_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(Permanent) as error:
        Served("http://127.0.0.1:1/v1", "m", key)
    assert not key or key not in str(error.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/v1", "http://user:pa55@h/v1", "nothing", "https:///v1"])
def test_an_address_that_is_no_web_address_or_holds_a_password_is_refused(url: str) -> None:
    with pytest.raises(Permanent) as error:
        Served(url, "m")
    assert "pa55" not in str(error.value)


def test_a_query_stays_behind_the_path_and_out_of_messages(here: Endpoint) -> None:
    served = Served(f"{here.url}?api-version=7&code=hidden", "m")
    served.answer(ASKED, 8)
    assert here.requests[0]["path"] == "/v1/chat/completions?api-version=7&code=hidden" and served.place == here.url


def test_a_redirect_is_not_followed_for_the_key_would_go_along(here: Endpoint) -> None:
    with endpoint(lambda asked: "thief") as elsewhere:
        here.failures = [(307, {"location": f"{elsewhere.url}/chat/completions"}, "")]
        with pytest.raises(Refused, match="HTTP 307"):
            Served(here.url, "m", KEY).answer(ASKED, 8)
        assert elsewhere.requests == []


def test_a_dead_port_a_torn_reply_and_a_silent_server_are_transient(slept: list[float]) -> None:
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        with pytest.raises(Transient, match="is the server up"):
            Served(f"http://127.0.0.1:{port.getsockname()[1]}/v1", "m").answer(ASKED, 8)
    for reply in (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{", b"nonsense\r\n\r\n", b""):
        with pytest.raises(Transient):
            _raw(reply, 0.0)


def test_a_reply_that_drips_ends_at_the_time_limit(slept: list[float]) -> None:
    start = time.monotonic()
    with pytest.raises(Transient, match="not whole after"):
        _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b" " * 500, 0.05)
    assert time.monotonic() - start < 10


def _raw(reply: bytes, pause: float) -> str:
    """Ask a server that sends these bytes, a byte at a time where there is a pause; the connection ends with them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(65536)
                    try:
                        for n in range(len(reply)) if pause else ():
                            peer.sendall(reply[n : n + 1])
                            threading.Event().wait(pause)
                        peer.sendall(b"" if pause else reply)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        port = listening.getsockname()[1]
        return Served(f"http://127.0.0.1:{port}/v1", "m", timeout_s=0.6, tries=2).answer(ASKED, 8)


def test_what_is_sent_is_json_of_the_messages_as_they_are(here: Endpoint) -> None:
    odd = [{"role": "user", "content": '你好 "quoted" \U0001f600 \u202e'}]
    Served(here.url, "m").answer(odd, 8, 0.5)
    assert json.loads(json.dumps(here.requests[0]["messages"])) == odd and here.requests[0]["temperature"] == 0.5
