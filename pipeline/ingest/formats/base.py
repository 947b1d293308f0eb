"""What a log format is: how its records are recognised, what becomes of each, and what it cannot say."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.ingest import strict
from pipeline.ingest.quarantine import Refused
from pipeline.ingest.read import File, Line
from pipeline.spec import Importing

USER_KEYS = frozenset(
    (
        "user_id",
        "userId",
        "user",
        "end_user",
        "hashed_ip",
        "author",
        "user.id",
        "user_api_key_end_user_id",
        "user_api_key_user_id",
        "ls_user_id",
    )
)
"""Where other tools name a person: a refused record keeps none of these in the clear."""


UNKNOWN_CALL = "feedback on an unknown call"
"""The only reason that time mends: a file refused for it is read again once other batches have come."""


class Skipped(Exception):
    """This record holds nothing to learn from, by its tool's own word: it is counted, and is no fault."""


@dataclass(frozen=True, slots=True)
class Record:
    """One object of a file, by its physical line or its place in the array."""

    file: File
    number: int
    body: dict[str, Any]

    def place(self) -> "Record":
        """Where it stands, without what it says: thousands are remembered."""
        return Record(self.file, self.number, {})


@dataclass(frozen=True, slots=True)
class Found:
    """Where a call of an earlier batch is."""

    conversation: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What earlier batches know of a conversation; `messages` has what they know of each, by id."""

    header: dict[str, str]
    metadata: dict[str, Any]
    messages: dict[str, dict[str, str]] = field(default_factory=dict)


class Past(Protocol):
    """Earlier batches, as importers of calls ask for them."""

    def calls(self, keys: Iterable[str]) -> dict[str, Found]: ...

    def conversations(self, ids: Iterable[str]) -> dict[str, Facts]: ...


@dataclass
class Reading:
    """What the importers of one batch are told, and what they tell back."""

    importing: Importing = field(default_factory=Importing)
    """What the recipe says about other tools' names."""
    seen: Set[str] = frozenset()
    """sha256 of the files that an earlier batch has read by the same rules."""
    past: Past | None = None
    """What earlier batches know; None where there is no lake to ask."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Records that were left out because they hold nothing, by reason."""


Out = tuple[File, Line]


@dataclass(frozen=True)
class Format:
    """A log format. One of `claims`' answers decides which file is whose, so it must ask for keys that no other tool writes together."""

    name: str
    reads: str
    """Which export it is, in words for `equipoise formats`."""
    carries: tuple[str, ...]
    cannot: tuple[str, ...]
    """What the format has no word for: NULL in the lake."""
    claims: Callable[[dict[str, Any]], bool]
    convert: Callable[[Iterator[Record], Reading], Iterator[Out]]
    gathers: bool = False
    """Whether records far apart, in several files even, make one conversation: then one batch's records are held in memory."""
    aliases: tuple[str, ...] = ()
    tables: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Where the tool keeps its records in PostgreSQL: table -> a column that must be there, the column that says when a row changed."""
    parquet: bool = False
    """Only Parquet files are found out to be of this format."""


def each(one: Callable[[dict[str, Any], Reading], dict[str, Any]]) -> Callable[[Iterator[Record], Reading], Iterator[Out]]:
    """A converter for formats with one conversation a record."""

    def convert(records: Iterator[Record], reading: Reading) -> Iterator[Out]:
        for record in records:
            try:
                yield made(record, one(record.body, reading))
            except Refused as problem:
                yield refused(record, problem)
            except Skipped as why:
                reading.skipped[str(why)] += 1

    return convert


def made(record: Record, body: dict[str, Any]) -> Out:
    return record.file, Line(record.number, {k: v for k, v in body.items() if v is not None})


def refused(record: Record, problem: Refused) -> Out:
    """The record as it goes to quarantine: whoever it names stands under `user_id`, where quarantine hashes and hides them."""
    users: list[str] = []
    body = _without_users(record.body, users)
    return record.file, Line(record.number, ({"user_id": users[0]} if users else {}) | {"record": body}, problem.reason)


def _without_users(value: Any, users: list[str]) -> Any:
    if isinstance(value, dict):
        kept = {}
        for name, one in value.items():
            hidden = name in USER_KEYS and isinstance(one, str | int) and not isinstance(one, bool) and one != ""
            if hidden:
                users.append(str(one))
            kept[name] = "<USER>" if hidden else _without_users(one, users)
        return kept
    return [_without_users(v, users) for v in value] if isinstance(value, list) else value


def decoded(value: Any, what: str) -> Any:
    """What a text that may be JSON says; any other text is itself. Raises Refused for JSON that no table can hold."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
        return value
    try:  # inside an object, for that is what the fast reader takes
        found = strict.parse(b'{"inner":' + value.encode("utf-8", "replace") + b"}")
        return found["inner"] if len(found) == 1 else value
    except Refused as problem:
        if problem.reason in ("invalid JSON", "torn JSON", "raw control character"):
            return value
        raise Refused(f"{problem.reason} in {what}") from None


def words(value: Any, what: str) -> str | None:
    """A text, None where there is none or an empty one; raises Refused."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused(f"wrong type: {what}")
    return value


def named(value: Any, what: str) -> str | None:
    """An id as text, None where there is none or an empty one; raises Refused."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else words(value, what)


def mapping(value: Any, what: str) -> dict[str, Any]:
    """An object, empty where there is none; raises Refused."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise Refused(f"wrong type: {what}")
    return value


def number(value: Any, what: str) -> float | None:
    """A number, also one that was written as text (64-bit numbers often are), None where there is none; raises Refused."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise Refused(f"wrong type: {what}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"wrong type: {what}")
    if not math.isfinite(value):
        raise Refused("number does not fit")
    return value
