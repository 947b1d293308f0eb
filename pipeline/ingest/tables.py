"""The rows of plainly good lines, as Arrow tables in the shape of the lake: ids, digests, events, and nobody's address in them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipeline.ingest import rows
from pipeline.ingest.bulk import Plain
from pipeline.ingest.events import Event, digest
from pipeline.ingest.merge import Place, event_row
from pipeline.ingest.read import File, Line
from pipeline.ingest.rules import rules_by_text
from pipeline.ingest.scrub import Scrubber, Suspects, suspects_mask

Hashed = Callable[[str | None], str | None]
SAID = ("user_id", "app", "model", "started_at", "locale", "consent")  # of a header's digest, before its metadata


@dataclass
class Tables:
    """Rows of the lake, what names them, and who replaced what in them."""

    conversations: Any
    messages: Any
    feedback: list[list[Any]]
    said: list[str]
    scrubbers: list[Scrubber]
    room: int
    """places in the order of arrival that were used"""


def tables(plain: Plain, part: list[tuple[File, Line]], day: date, arrived: int, hashed: Hashed) -> Tables | None:
    """The rows of the conversations that were not left; None where there are none. arrived: the first free place in the order of arrival."""
    import numpy as np

    columns = plain.columns
    kept = np.flatnonzero(~columns.bad)
    if not len(kept):
        return None
    kept = kept[np.argsort(columns.at[kept], kind="stable")]
    owner = np.repeat(np.arange(len(columns.at)), np.diff(columns.starts))
    chosen = np.flatnonzero(~columns.bad[owner])
    header = {name: column.to_pylist() for name, column in columns.header.items() if name in SAID}
    scrubbers = Scrubbers(header.get("locale"))
    messages, digests = _messages(plain, chosen, owner[chosen], day, scrubbers)
    said = [header.get(name) or [None] * len(plain.ids) for name in SAID]
    places = _places(plain, part, kept.tolist(), said, day, arrived)
    feedback = _feedback(plain, places, hashed, scrubbers)
    documents = _documents(plain, scrubbers)  # after the events: numbers follow the order of the slow reader
    names = {i: digest([column[i] for column in said] + [plain.metadata[i]]) for i in places}
    events = {i: [e.digest for e in found] for i, found in plain.events.items()}
    return Tables(
        _conversations(plain, places, documents, names, [hashed(said[0][i]) for i in places]),
        messages,
        feedback,
        [f"p {plain.ids[i]} {name} {digest([digests[i], events.get(i)])}" for i, name in names.items()],
        list(scrubbers.of.values()),
        sum(1 + len(plain.events.get(i, ())) for i in places),
    )


@dataclass
class Scrubbers:
    """One scrubber a conversation, made when its first text is worth searching: numbers run through all its texts."""

    locales: list[str | None] | None
    worth: Suspects = field(default_factory=Suspects)
    """The texts of the chunk that are worth searching, added to as they are met."""
    of: dict[int, Scrubber] = field(default_factory=dict)

    def __getitem__(self, i: int) -> Scrubber:
        if i not in self.of:
            self.of[i] = Scrubber(self.worth, self.locales[i] if self.locales else None)
        return self.of[i]

    def meet(self, texts: Any) -> None:
        """texts: an Arrow column of texts worth searching."""
        self.worth.needs |= (needs := rules_by_text(texts))
        self.worth.update(needs)


def _messages(plain: Plain, chosen: Any, owner: Any, day: date, scrubbers: Scrubbers) -> tuple[Any, dict[int, list[str]]]:
    """The table of messages, and the digests of each conversation's."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = plain.columns
    messages = {name: pc.take(column, pa.array(chosen)) for name, column in columns.messages.items()}
    digests = _message_digests(messages, columns.has_parents)
    content = _scrubbed(messages["content"], owner, scrubbers)
    first = np.searchsorted(owner, owner)  # owners ascend
    position = np.arange(len(owner)) - first
    derived = np.zeros(len(owner), bool) if columns.has_parents else position > 0
    table = rows.arrow(
        "messages",
        {
            "day": pa.repeat(pa.scalar(day, pa.date32()), len(owner)),
            "conversation_id": pc.take(columns.header["conversation_id"], pa.array(owner)),
            "message_id": messages["message_id"],
            "parent_id": messages["parent_id"] if columns.has_parents else _before(messages["message_id"], position > 0),
            "position": pa.array(position, pa.int32()),
            "role": messages["role"],
            "content": content,
            "created_at": pc.take(columns.created_at, pa.array(chosen)),
            "flags": _flags(derived, "parent_id derived"),
            "digest": pa.array(digests, pa.string()),
        },
    )
    starts = np.flatnonzero(position == 0).tolist()
    ends = [*starts[1:], len(owner)]
    return table, {int(owner[a]): digests[a:b] for a, b in zip(starts, ends, strict=True)}


def _message_digests(messages: dict[str, Any], has_parents: bool) -> list[str]:
    """As formats/native.py makes them; a parent that follows from the order is not said by the log."""
    said = [messages[name].to_pylist() for name in ("role", "content", "created_at")]
    parents = messages["parent_id"].to_pylist() if has_parents else [None] * len(said[0])
    return [digest([p, role, text, None, None, None, None, time]) for p, role, text, time in zip(parents, *said, strict=True)]


def _before(ids: Any, follows: Any) -> Any:
    """The id of the message before, null at the first of a conversation."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shifted = pa.concat_arrays([pa.nulls(1, ids.type), ids[:-1]])
    return pc.if_else(pa.array(follows), shifted, None)


def _flags(flagged: Any, flag: str) -> Any:
    import numpy as np
    import pyarrow as pa

    offsets = np.concatenate([[0], np.cumsum(flagged)]).astype("int32")
    return pa.ListArray.from_arrays(pa.array(offsets), pa.repeat(pa.scalar(flag), int(offsets[-1])))


def _scrubbed(content: Any, owner: Any, scrubbers: Scrubbers) -> Any:
    """The texts with placeholders."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = suspects_mask(content)
    if not pc.any(mask).as_py():
        return content
    worth = content.filter(mask)
    scrubbers.meet(worth)
    places = owner[np.flatnonzero(np.asarray(mask))].tolist()
    texts = [scrubbers[i].said(text) for i, text in zip(places, worth.to_pylist(), strict=True)]
    return pc.replace_with_mask(content, mask, pa.array(texts, content.type))


def _places(
    plain: Plain, part: list[tuple[File, Line]], kept: list[int], said: list[list[Any]], day: date, arrived: int
) -> dict[int, Place]:
    """Where each conversation stands and what it is stored under, in the order of the lines."""
    default = [] if "consent" in plain.columns.header else ["consent default"]
    places = {}
    for i, at in zip(kept, plain.columns.at[kept].tolist(), strict=True):
        file, line = part[at]
        flags = [*default, *(["started_at derived"] if said[3][i] is None else []), *([] if file.dated else ["day from the clock"])]
        places[i] = Place(file.sha, line.number, arrived, day, flags)
        arrived += 1 + len(plain.events.get(i, ()))
    return places


def _feedback(plain: Plain, places: dict[int, Place], hashed: Hashed, scrubbers: Scrubbers) -> list[list[Any]]:
    """The rows of all events."""
    import pyarrow as pa

    texts = pa.array((e.text for i, events in plain.events.items() if i in places for e in events if e.text), pa.string())
    scrubbers.meet(texts.filter(suspects_mask(texts)))
    found = []
    for i, events in plain.events.items():
        if i in places:
            listed = [event_row(e, plain.ids[i], hashed(e.user_id), places[i], scrubbers[i], at) for at, e in enumerate(events, 1)]
            found += listed if len(listed) == 1 else _states(listed, events)
    return found


def _states(listed: list[list[Any]], events: list[Event]) -> list[list[Any]]:
    """The rows of one conversation's events: one that came twice is stored once, of one that changed only the last state is current."""
    kept: dict[tuple[str, str], list[Any]] = {}
    for row, one in zip(listed, events, strict=True):
        kept.setdefault((one.event_id, one.digest), row)
    last = {id: row for (id, _), row in kept.items()}
    for (id, _), row in kept.items():
        row[rows.CURRENT] = row is last[id]
    return list(kept.values())


def _documents(plain: Plain, scrubbers: Scrubbers) -> list[str | None]:
    """Every metadata as JSON, nothing personal in it."""
    import numpy as np
    import orjson
    import pyarrow as pa

    documents = [None if m is None else orjson.dumps(m).decode() for m in plain.metadata]
    mask = suspects_mask(pa.array(documents, pa.string()))
    for i in np.flatnonzero(np.asarray(mask)).tolist():
        if not plain.columns.bad[i]:
            documents[i] = scrubbers[i].document(plain.metadata[i])
    return documents


def _conversations(
    plain: Plain, places: dict[int, Place], documents: list[str | None], names: dict[int, str], users: list[str | None]
) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns, order = plain.columns, pa.array(list(places))
    placed = list(places.values())
    said = {name: pc.take(columns.header[name], order) for name in ("conversation_id", "app", "model", "locale") if name in columns.header}
    return rows.arrow(
        "conversations",
        said
        | {
            "day": pa.repeat(pa.scalar(placed[0].day, pa.date32()), len(placed)),
            "user_hash": pa.array(users, pa.string()),
            "started_at": pc.take(columns.started_at, order),
            "consent": pa.repeat(pa.scalar(True), len(placed)),
            "metadata": pa.array([documents[i] for i in places], pa.string()),
            "digest": pa.array(list(names.values()), pa.string()),
            "file_sha": pa.array([p.file_sha for p in placed], pa.string()),
            "line": pa.array([p.line for p in placed], pa.int64()),
            "flags": pa.array([p.flags for p in placed], pa.list_(pa.string())),
            "arrived": pa.array([p.arrived for p in placed], pa.int64()),
        },
    )
