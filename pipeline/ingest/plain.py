"""Lines that are plainly good, many at a time: DuckDB parses them to columns, Arrow checks the columns.

Only what formats/native.py would read in exactly this way is taken. A line of another shape, with a key twice, with an escape in a
key, a number where a text belongs, an odd time, or of a conversation that was heard of before is left to the slow reader, which
decides. So the two readers differ in speed and in nothing else (tests/ingest/test_plain.py).
"""

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.ingest import limits
from pipeline.ingest.derive import FIRST_TIME, LONGEST_ID, Clock, in_order
from pipeline.ingest.formats import hotfix
from pipeline.ingest.formats.native import ROLES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

ON = True
FEWEST = 64  # lines: below that the columns cost more than they save
HEADER = {
    "conversation_id": "VARCHAR",
    "user_id": "VARCHAR",
    "app": "VARCHAR",
    "model": "VARCHAR",
    "locale": "VARCHAR",
    "started_at": "VARCHAR",
    "consent": "BOOLEAN",
    "metadata": "JSON",
    "feedback": "JSON",
}
NEEDED = ("message_id", "role", "content", "created_at")
MESSAGE = (*NEEDED, "parent_id")
TEXTS = "|".join(k for k in [*HEADER, *MESSAGE] if HEADER.get(k, "VARCHAR") == "VARCHAR")
ODD = "|".join(
    (
        rf'"(?:{TEXTS})"\s*:\s*[^"n\s]',  # DuckDB would write a number or an object out as text
        r'"consent"\s*:\s*[^t\s]',
        r'[{,]\s*"[^"\\]*\\',  # an escape in a key
        r"\\u0000",
        r"[:,\[]\s*-?(?:[Nn][Aa]|[Ii][Nn])",  # NaN and Infinity
        r",\s*[}\]]",  # DuckDB forgives a comma before the end
        r'"\s+:|\\\\":',  # keys that _keys would not see
    )
)
ZONED = r"^\d{4}-\d{2}-\d{2}[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3}|\.\d{6})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)$"


@dataclass
class Columns:
    """Conversations of one shape. `at[i]` is the place in the chunk of conversation i, whose messages lie from starts[i] to starts[i + 1]."""

    at: Any
    starts: Any
    header: dict[str, Any]
    """Arrow arrays by key; keys that the shape lacks are absent."""
    messages: dict[str, Any]
    started_at: Any
    created_at: Any
    bad: Any = field(default=None)
    """numpy: conversations that the slow reader must look at."""

    @property
    def has_parents(self) -> bool:
        return "parent_id" in self.messages


def shape_of(body: bytes) -> dict[str, Any] | None:
    """The shape of one line, or None where it is none that is read here."""
    import orjson

    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(raw) is not dict or not raw.keys() - {"messages"} <= HEADER.keys() or "conversation_id" not in raw:
        return None
    messages = raw.get("messages")
    if type(messages) is not list or not messages or type(messages[0]) is not dict:
        return None
    keys = messages[0].keys()
    if not set(NEEDED) <= keys or not keys <= set(MESSAGE):
        return None
    shape: dict[str, Any] = {name: kind for name, kind in HEADER.items() if name in raw}
    return shape | {"messages": [dict.fromkeys(MESSAGE if "parent_id" in keys else NEEDED, "VARCHAR")]}


def columns(con: "Connection", bodies: list[tuple[int, bytes]], clock: Clock, consent_default: bool) -> Columns | None:
    """The lines that are plainly good, as columns; None where there are too few to be worth it.

    bodies: the place in the chunk and the bytes of each line. What is left out is for the slow reader.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    small = [(at, body) for at, body in bodies if len(body) <= limits.SMALL]
    shape = next((s for s in (shape_of(body) for _, body in small[:8]) if s), None)
    if not ON or len(small) < FEWEST or shape is None or ("consent" not in shape and not consent_default):
        return None
    lines = pa.table({"number": pa.array([at for at, _ in small], pa.int64()), "line": _text([body for _, body in small])})
    odd = pc.fill_null(pc.match_substring_regex(lines["line"], ODD), True)
    lines = lines.filter(pc.invert(odd)) if pc.any(odd).as_py() else lines
    keys = np.zeros(bodies[-1][0] + 1, np.int64)
    keys[np.asarray(lines["number"])] = _keys(lines["line"])
    con.register("lines", lines)
    parsed = lake.table(con, "ingest/parse_lines", shape=json.dumps(shape))
    con.unregister("lines")
    parsed = (parsed.filter(pc.is_valid(parsed["found"])) if parsed["found"].null_count else parsed).combine_chunks()
    if not parsed.num_rows:
        return None
    found = parsed["found"].chunk(0)
    listed = found.field("messages")
    lengths = np.asarray(pc.fill_null(pc.list_value_length(listed), 0))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    flat = listed.flatten()
    made = Columns(
        np.asarray(parsed["number"]),
        starts,
        {name: found.field(name) for name in shape if name != "messages"},
        {name: flat.field(name) for name in shape["messages"][0]},
        None,
        None,
    )
    # the shape has every key of its own just once: one more is a key that nobody here knows, perhaps twice
    inside = sum((_keys(made.header[name]) for name in ("metadata", "feedback") if name in shape), np.zeros(len(lengths), np.int64))
    made.bad = (lengths == 0) | (keys[made.at] - inside != len(shape) + lengths * len(shape["messages"][0]))
    _check(made, clock)
    return made


def _keys(texts: Any) -> Any:
    """numpy: the number of keys in each JSON text; a quote before a colon inside a text is an escaped one."""
    import numpy as np
    import pyarrow.compute as pc

    found = pc.subtract(pc.count_substring(texts, '":'), pc.count_substring(texts, '\\":'))
    return np.asarray(pc.fill_null(found, 0))


def _text(bodies: list[bytes]) -> Any:
    """The lines as Arrow text, one buffer for all; null where they are no UTF-8."""
    import numpy as np
    import pyarrow as pa

    offsets = np.concatenate([[0], np.cumsum([len(body) for body in bodies], dtype=np.int64)])
    text = pa.LargeStringArray.from_buffers(len(bodies), pa.py_buffer(offsets), pa.py_buffer(b"".join(bodies)))
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array([_decoded(body) for body in bodies], pa.large_string())
    return text


def _decoded(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _check(made: Columns, clock: Clock) -> None:
    """Mark every conversation that may not be taken as it stands."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    messages, header = made.messages, made.header
    made.created_at, odd = _times(messages["created_at"], clock)
    odd |= ~np.asarray(pc.fill_null(pc.is_in(messages["role"], pa.array(ROLES)), False))
    odd |= np.asarray(pc.is_null(messages["content"]))
    odd |= ~_is_id(messages["message_id"])
    owner = np.repeat(np.arange(len(made.at)), np.diff(made.starts))
    made.bad[owner[odd]] = True
    made.bad |= ~_is_id(header["conversation_id"])
    if "user_id" in header:
        made.bad |= ~(_is_id(header["user_id"]) | np.asarray(pc.is_null(header["user_id"])))
    if "app" in header:
        made.bad |= np.asarray(pc.fill_null(pc.equal(header["app"], hotfix.APP), False))
    if "consent" in header:
        made.bad |= ~np.asarray(pc.fill_null(header["consent"], False))
    first = pc.take(made.created_at, pa.array(np.minimum(made.starts[:-1], max(0, len(owner) - 1))))
    if "started_at" in header:
        said, odd = _times(header["started_at"], clock)
        made.bad |= odd & ~np.asarray(pc.is_null(header["started_at"]))
        made.started_at = pc.coalesce(said, first)
    else:
        made.started_at = first
    _check_trees(made)


def _is_id(column: Any) -> Any:
    """numpy: whether each text may be an id; null may not."""
    import numpy as np
    import pyarrow.compute as pc

    fits = pc.and_(pc.less_equal(pc.utf8_length(column), LONGEST_ID), pc.invert(pc.utf8_is_space(column)))
    return np.asarray(pc.fill_null(pc.and_(fits, pc.greater(pc.binary_length(column), 0)), False))


def _times(column: Any, clock: Clock) -> tuple[Any, Any]:
    """The times of a column and, in numpy, which are missing, odd or out of what the clock believes."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = pa.timestamp("us", tz="UTC")
    zoned = pc.fill_null(pc.match_substring_regex(column, ZONED), False)
    try:
        times = pc.if_else(zoned, column, None).cast(kind)
    except pa.ArrowInvalid:  # the thirtieth of February
        return pa.nulls(len(column), kind), np.ones(len(column), bool)
    inside = pc.and_(pc.greater_equal(times, pa.scalar(FIRST_TIME, kind)), pc.less_equal(times, pa.scalar(clock.last, kind)))
    return times, ~np.asarray(pc.fill_null(inside, False))


def _check_trees(made: Columns) -> None:
    """Ids stand once, and parents before their children; where no parent is named the order is the chain."""
    ids = made.messages["message_id"].to_pylist()
    parents = made.messages["parent_id"].to_pylist() if made.has_parents else None
    starts = made.starts.tolist()
    for i, (start, end) in enumerate(pairwise(starts)):
        own = ids[start:end]
        if len(set(own)) != len(own):
            made.bad[i] = True
        elif parents is not None and (parents[start] is not None or parents[start + 1 : end] != own[:-1]):
            above = parents[start:end]
            if not any(above) or not in_order(own, above):  # all null: the log names no parent at all
                made.bad[i] = True
