"""The rows of plainly good lines, as Arrow tables in the shape of the lake: ids, digests, events, and nobody's address in them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import islice, pairwise
from typing import Any

from pipeline.ingest import rows
from pipeline.ingest.bulk import Plain
from pipeline.ingest.events import Event, digest
from pipeline.ingest.merge import Place, event_row
from pipeline.ingest.plain import Piece
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
    kept = np.flatnonzero(~columns.bad).tolist()  # in the order of the lines
    if not kept:
        return None
    header = columns.header
    scrubbers = Scrubbers(header["locale"])
    messages, digests = _messages(plain, day, scrubbers)
    places = _places(plain, part, kept, day, arrived)
    feedback = _feedback(plain, places, hashed, scrubbers)
    documents = _documents(plain, kept, scrubbers)  # after the events: numbers follow the order of the slow reader
    said = zip(*(header[name] for name in SAID), plain.metadata, strict=True)
    names = {i: digest(words) for i, words in enumerate(map(list, said)) if i in places}
    events = {i: [e.digest for e in found] for i, found in plain.events.items()}
    return Tables(
        _conversations(plain, places, documents, names, [hashed(header["user_id"][i]) for i in kept]),
        messages,
        feedback,
        [f"p {plain.ids[i]} {name} {digest([digests[i], events.get(i)])}" for i, name in names.items()],
        list(scrubbers.of.values()),
        sum(1 + len(plain.events.get(i, ())) for i in kept),
    )


@dataclass
class Scrubbers:
    """One scrubber a conversation, made when its first text is worth searching: numbers run through all its texts."""

    locales: list[str | None]
    worth: Suspects = field(default_factory=Suspects)
    """The texts of the chunk that are worth searching, added to as they are met."""
    of: dict[int, Scrubber] = field(default_factory=dict)

    def __getitem__(self, i: int) -> Scrubber:
        if i not in self.of:
            self.of[i] = Scrubber(self.worth, self.locales[i])
        return self.of[i]

    def meet(self, texts: Any) -> None:
        """texts: an Arrow column of texts worth searching."""
        self.worth.needs |= (needs := rules_by_text(texts))
        self.worth.update(needs)


def _messages(plain: Plain, day: date, scrubbers: Scrubbers) -> tuple[Any, dict[int, list[str]]]:
    """The table of messages, and the digests of each conversation's."""
    import numpy as np
    import pyarrow as pa

    made: list[Any] = []
    digests: dict[int, list[str]] = {}
    for piece in plain.columns.pieces:
        starts = piece.starts.tolist()
        digests |= {piece.first + i: piece.digests[a:b] for i, (a, b) in enumerate(pairwise(starts))}
        made.append(_rows(plain, piece, day))
    table = pa.concat_tables(made)
    owner = np.concatenate([piece.owner for piece in plain.columns.pieces])
    content = _scrubbed(table["content"], owner[~plain.columns.bad[owner]], scrubbers)
    return table.set_column(table.schema.get_field_index("content"), "content", content), digests


def _rows(plain: Plain, piece: Piece, day: date) -> Any:
    """The messages of one piece as they were written, those of the conversations that were not left."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    owner = piece.owner
    position = np.arange(len(owner)) - np.repeat(piece.starts[:-1], np.diff(piece.starts))
    messages = piece.columns | {"digest": pa.array(piece.digests, pa.string())}
    stay = ~plain.columns.bad[owner]
    if not stay.all():
        messages = {name: column.filter(pa.array(stay)) for name, column in messages.items()}
        owner, position = owner[stay], position[stay]
    ids = pa.array(plain.ids[piece.first : piece.first + len(piece.starts) - 1], pa.string())
    derived = np.zeros(len(owner), bool) if plain.columns.shape.parents else position > 0
    return rows.arrow(
        "messages",
        {
            "day": pa.repeat(pa.scalar(day, pa.date32()), len(owner)),
            "conversation_id": pc.take(ids, pa.array(owner - piece.first)),
            "message_id": messages["message_id"],
            "parent_id": messages["parent_id"] if "parent_id" in messages else _before(messages["message_id"], position > 0),
            "position": pa.array(position, pa.int32()),
            "role": messages["role"],
            "content": messages["content"],
            "created_at": messages["created_at"],
            "flags": _flags(derived, "parent_id derived"),
            "digest": messages["digest"],
        },
    )


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
    """The texts of a ChunkedArray with placeholders."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = np.asarray(suspects_mask(content))
    if not mask.any():
        return content
    worth = content.filter(pa.array(mask)).combine_chunks()
    scrubbers.meet(worth)
    texts = iter([scrubbers[i].said(text) for i, text in zip(owner[mask].tolist(), worth.to_pylist(), strict=True)])
    ends = np.cumsum([len(piece) for piece in content.chunks])
    replaced = []
    for piece, own in zip(content.chunks, np.split(mask, ends[:-1]), strict=True):
        new = pa.array(islice(texts, int(own.sum())), piece.type)
        replaced.append(pc.replace_with_mask(piece, pa.array(own), new) if len(new) else piece)
    return pa.chunked_array(replaced, content.type)


def _places(plain: Plain, part: list[tuple[File, Line]], kept: list[int], day: date, arrived: int) -> dict[int, Place]:
    """Where each conversation stands and what it is stored under, in the order of the lines."""
    default = [] if plain.columns.shape.consent else ["consent default"]
    times, places = plain.columns.header["started_at"], {}
    for i, at in zip(kept, plain.columns.at[kept].tolist(), strict=True):
        file, line = part[at]
        flags = [*default, *(["started_at derived"] if times[i] is None else []), *([] if file.dated else ["day from the clock"])]
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


def _documents(plain: Plain, kept: list[int], scrubbers: Scrubbers) -> list[str | None]:
    """The metadata of each conversation that was kept as JSON, nothing personal in it."""
    import numpy as np
    import orjson
    import pyarrow as pa

    said = [plain.metadata[i] for i in kept]
    documents = [None if m is None else orjson.dumps(m).decode() for m in said]
    mask = suspects_mask(pa.array(documents, pa.string()))
    for at in np.flatnonzero(np.asarray(mask)).tolist():
        documents[at] = scrubbers[kept[at]].document(said[at])
    return documents


def _conversations(
    plain: Plain, places: dict[int, Place], documents: list[str | None], names: dict[int, str], users: list[str | None]
) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns, kept, placed = plain.columns, list(places), list(places.values())
    said = {name: pa.array([columns.header[name][i] for i in kept], pa.string()) for name in ("conversation_id", "app", "model", "locale")}
    return rows.arrow(
        "conversations",
        said
        | {
            "day": pa.repeat(pa.scalar(placed[0].day, pa.date32()), len(placed)),
            "user_hash": pa.array(users, pa.string()),
            "started_at": pc.take(columns.started_at, pa.array(kept)),
            "consent": pa.repeat(pa.scalar(True), len(placed)),
            "metadata": pa.array(documents, pa.string()),
            "digest": pa.array(list(names.values()), pa.string()),
            "file_sha": pa.array([p.file_sha for p in placed], pa.string()),
            "line": pa.array([p.line for p in placed], pa.int64()),
            "flags": pa.array([p.flags for p in placed], pa.list_(pa.string())),
            "arrived": pa.array([p.arrived for p in placed], pa.int64()),
        },
    )
