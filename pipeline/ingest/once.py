"""Does a key stand twice in a line? orjson does not say: it keeps the last. So the keys it gave are compared with those that are written."""

from typing import Any

from pipeline.ingest import strict
from pipeline.ingest.quarantine import Refused

Json = dict[str, Any]
DOUBTFUL = -(1 << 40)  # no line has as many keys


def expected(raws: list[Json], header: dict[str, list[Any]], of_a_message: int) -> Any:
    """numpy: the keys of each line as orjson gives them, less than none where the slow reader must look at a number or a depth."""
    import numpy as np

    lines = zip(raws, header["metadata"], header["feedback"], strict=True)
    counted = (
        len(raw) + of_a_message * len(raw["messages"]) + (_below(metadata) if metadata else 0) + (_below(feedback) if feedback else 0)
        for raw, metadata, feedback in lines
    )
    return np.fromiter(counted, np.int64, len(raws))


def _below(value: Any) -> int:
    try:
        keys = strict.keys_below(value, 2)
    except Refused:
        return DOUBTFUL
    return DOUBTFUL if keys < 0 else keys


def written(bodies: list[bytes]) -> Any:
    """numpy: the keys as they stand in each line, or -1 where that is not sure; a key that stands twice is one more than orjson gives.

    A quote before a colon ends a key, unless a backslash escapes it. What is looked at by hand is looked at in all lines at once.
    """
    import numpy as np

    text = np.frombuffer(b"".join(bodies), np.uint8)
    ends = np.cumsum([len(body) for body in bodies], dtype=np.int64)
    colons = np.flatnonzero(text == ord(":"))
    before = text[colons - 1]
    quoted = colons[before == ord('"')]
    escaped = text[quoted - 2] == ord("\\")
    counted = np.diff(np.searchsorted(quoted[~escaped], ends), prepend=0)
    blank = colons[(before == 32) | (before == 9) | (before == 10) | (before == 13)]
    apart = blank[np.isin(text[blank - 2], (ord('"'), 32, 9, 10, 13))]  # may be a key that was not counted
    doubtful = quoted[escaped][text[quoted[escaped] - 3] == ord("\\")]  # whether the quote or the backslash is escaped
    counted[np.searchsorted(ends, np.concatenate([apart, doubtful, _nuls(text)]), side="right")] = -1
    return counted


def _nuls(text: Any) -> Any:
    """numpy: where \\u0000 stands."""
    import numpy as np

    at = np.flatnonzero(text == ord("\\"))
    at = at[at < len(text) - 5]
    for offset, sign in enumerate(b"u0000", 1):
        at = at[text[at + offset] == sign]
    return at
