"""Lines that are plainly good, many at a time: orjson reads them, whole columns are checked at once.

Only what formats/native.py would read in exactly this way is taken. A line with a key that nobody knows, a key twice, a number where a
text belongs, an odd time, or of a conversation that was heard of before is left to the slow reader, which decides. So the two readers
differ in speed and in nothing else (tests/ingest/test_plain.py).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise, repeat
from operator import itemgetter
from typing import Any, NamedTuple

from pipeline.ingest import limits, once
from pipeline.ingest.derive import FIRST_TIME, LONGEST_ID, Clock, in_order
from pipeline.ingest.events import digests
from pipeline.ingest.formats import hotfix
from pipeline.ingest.formats.native import ROLES

ON = True
FEWEST = 64  # lines: below that the columns cost more than they save
PIECE = 4 << 20  # bytes of lines that are objects at one time: what fits the processor's cache costs half of what does not
NONE = type(None)
HEADER: dict[str, set[type]] = {
    "conversation_id": {str},
    "user_id": {str, NONE},
    "app": {str, NONE},
    "model": {str, NONE},
    "locale": {str, NONE},
    "started_at": {str, NONE},
    "consent": {bool},
    "metadata": {dict, NONE},
    "feedback": {list, NONE},
}
NEEDED = ("message_id", "role", "content", "created_at")
MESSAGE = (*NEEDED, "parent_id")
Json = dict[str, Any]


class Shape(NamedTuple):
    """What decides how a line is read: one shape a chunk, lines of another are left."""

    consent: bool
    """Whether lines say it; those that do not get the recipe's."""
    parents: bool
    """Whether messages name theirs; where they do not the order is the chain."""


@dataclass
class Piece:
    """Messages of some of the conversations: those of the i-th of them, counted from `first`, lie from starts[i] to starts[i + 1]."""

    first: int
    starts: Any
    columns: Json
    """Arrow arrays by key; `created_at` as times."""
    digests: list[str]
    """As formats/native.py makes them."""

    @property
    def owner(self) -> Any:
        """numpy: the conversation of each message, counted over all pieces."""
        import numpy as np

        return self.first + np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


@dataclass
class Columns:
    """Conversations of one shape. `at[i]` is the place in the chunk of conversation i."""

    shape: Shape
    at: Any
    header: dict[str, list[Any]]
    """What the lines say, by key: as it came out of JSON."""
    started_at: Any
    """Arrow times."""
    pieces: list[Piece]
    bad: Any
    """numpy: conversations that the slow reader must look at."""


def shape_of(body: bytes) -> Shape | None:
    """The shape of one line, or None where it is none that is read here."""
    for shape in (Shape(consent, parents) for consent in (True, False) for parents in (True, False)):
        if _read(_loaded([body]), shape):
            return shape
    return None


def columns(bodies: list[tuple[int, bytes]], clock: Clock, consent_default: bool) -> Columns | None:
    """The lines that are plainly good, as columns; None where there are too few to be worth it.

    bodies: the place in the chunk and the bytes of each line. What is left out is for the slow reader.
    """
    import numpy as np
    import pyarrow as pa

    small = [(at, body) for at, body in bodies if len(body) <= limits.SMALL]
    shape = next((s for s in (shape_of(body) for _, body in small[:8]) if s), None)
    if not ON or len(small) < FEWEST or shape is None or not (shape.consent or consent_default):
        return None
    found: list[Columns] = []
    for some in _pieces(small):
        made = _columns(some, shape, clock, sum(len(one.at) for one in found))
        if made:
            found.append(made)
    if not found:
        return None
    return Columns(
        shape,
        np.concatenate([one.at for one in found]),
        {name: list(chain.from_iterable(one.header[name] for one in found)) for name in HEADER},
        pa.concat_arrays([one.started_at for one in found]),
        [piece for one in found for piece in one.pieces],
        np.concatenate([one.bad for one in found]),
    )


def _pieces(small: list[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    start = size = 0
    for at, (_, body) in enumerate(small):
        size += len(body)
        if size > PIECE:
            yield small[start : at + 1]
            start, size = at + 1, 0
    if start < len(small):
        yield small[start:]


def _columns(some: list[tuple[int, bytes]], shape: Shape, clock: Clock, first: int) -> Columns | None:
    import numpy as np

    raws = _loaded([body for _, body in some])
    read = _read(raws, shape)
    if read is None:  # some do not fit: each is asked alone
        fit = [i for i, raw in enumerate(raws) if _read([raw], shape)]
        raws, some = [raws[i] for i in fit], [some[i] for i in fit]
        read = _read(raws, shape)
        if read is None:
            return None
    header, messages = read
    lengths = np.array([len(raw["messages"]) for raw in raws], np.int64)
    bad = once.written([body for _, body in some]) != once.expected(raws, header, len(messages))
    at = np.array([at for at, _ in some], np.int64)
    return _checked(Columns(shape, at, header, None, [], bad), messages, np.concatenate([[0], np.cumsum(lengths)]), clock, first)


def _loaded(bodies: list[bytes]) -> list[Any]:
    """The lines' objects, None where orjson finds none."""
    import orjson

    try:
        return list(map(orjson.loads, bodies))
    except orjson.JSONDecodeError:
        return [_one(body) for body in bodies]


def _one(body: bytes) -> Any:
    import orjson

    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _read(raws: list[Any], shape: Shape) -> tuple[dict[str, list[Any]], Json] | None:
    """Header and messages of lines by key; None unless all lines have known keys only, and under each what belongs there."""
    if set(map(type, raws)) != {dict} or not all(_is_header(keys, shape.consent) for keys in set(map(tuple, raws))):
        return None
    header = {name: [raw.get(name) for raw in raws] for name in HEADER}
    if not all(_are(values, HEADER[name]) for name, values in header.items() if name != "consent" or shape.consent):
        return None
    listed = [raw["messages"] for raw in raws]
    if set(map(type, listed)) != {list} or not all(listed):
        return None
    messages = _messages(list(chain.from_iterable(listed)), MESSAGE if shape.parents else NEEDED)
    return (header, messages) if messages else None


@lru_cache(maxsize=1024)
def _is_header(keys: tuple[str, ...], consent: bool) -> bool:
    found = set(keys)
    return {"conversation_id", "messages"} <= found <= {*HEADER, "messages"} and ("consent" in found) == consent


def _messages(listed: list[Any], names: tuple[str, ...]) -> Json | None:
    """The values of messages by key, as tuples; None unless all have just these keys, and texts under them."""
    try:
        found = dict(zip(names, zip(*map(itemgetter(*names), listed), strict=True), strict=True))
        if set(map(len, listed)) != {len(names)}:
            return None
    except (KeyError, TypeError):  # a key is missing, or it is no object
        return None
    return found if all(_are(found[name], {str} if name in NEEDED else {str, NONE}) for name in names) else None


def _are(values: Iterable[Any], kinds: set[type]) -> bool:
    return set(map(type, values)) <= kinds


def _checked(made: Columns, messages: Json, starts: Any, clock: Clock, first: int) -> Columns:
    """Mark every conversation that may not be taken as it stands, and put the messages into Arrow columns."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    header = made.header
    ids = messages["message_id"]
    said = (messages.get("parent_id") or repeat(None), messages["role"], messages["content"], messages["created_at"])
    _check_trees(made.bad, starts.tolist(), ids, messages.get("parent_id"))
    piece = Piece(first, starts, {name: pa.array(values, pa.string()) for name, values in messages.items()}, digests(map(_row, *said)))
    made.pieces.append(piece)
    piece.columns["created_at"], odd = _times(piece.columns["created_at"], clock)
    odd |= ~np.asarray(pc.is_in(piece.columns["role"], pa.array(ROLES)))
    odd |= ~_is_id(piece.columns["message_id"])
    made.bad[piece.owner[odd] - first] = True
    made.bad |= ~_is_id(pa.array(header["conversation_id"], pa.string()))
    users = pa.array(header["user_id"], pa.string())
    made.bad |= ~(_is_id(users) | np.asarray(pc.is_null(users)))
    made.bad |= np.array([app == hotfix.APP for app in header["app"]])
    if made.shape.consent:
        made.bad |= ~np.array(header["consent"], bool)
    times = pa.array(header["started_at"], pa.string())
    started, odd = _times(times, clock)
    made.bad |= odd & ~np.asarray(pc.is_null(times))
    made.started_at = pc.coalesce(started, pc.take(piece.columns["created_at"], pa.array(starts[:-1])))
    return made


def _row(parent: str | None, role: str, content: str, created_at: str) -> list[str | None]:
    """What formats/native.py takes the digest of; a parent that follows from the order is not said by the log."""
    return [parent, role, content, None, None, None, None, created_at]


def _is_id(column: Any) -> Any:
    """numpy: whether each text may be an id; null may not."""
    import numpy as np
    import pyarrow.compute as pc

    fits = pc.and_(pc.less_equal(pc.utf8_length(column), LONGEST_ID), pc.invert(pc.utf8_is_space(column)))
    return np.asarray(pc.fill_null(pc.and_(fits, pc.greater(pc.binary_length(column), 0)), False))


ZONED = r"^\d{4}-\d{2}-\d{2}[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3}|\.\d{6})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)$"


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


def _check_trees(bad: Any, starts: list[int], ids: tuple[str, ...], parents: tuple[str | None, ...] | None) -> None:
    """Ids stand once, and parents before their children; where no parent is named the order is the chain."""
    before: list[str | None] = [None, *ids[:-1]]
    for start in starts[:-1]:
        before[start] = None
    chained = tuple(before)
    if len(set(ids)) == len(ids) and parents in (None, chained):
        return
    for i, (start, end) in enumerate(pairwise(starts)):
        own = ids[start:end]
        if len(set(own)) != len(own):
            bad[i] = True
        elif parents is not None and parents[start:end] != chained[start:end]:
            above = parents[start:end]
            if not any(above) or not in_order(own, above):  # all null: the log names no parent at all
                bad[i] = True
