"""Other tools' times as the native log writes them: ISO 8601 in UTC, whether they came as text or as seconds, milli-, micro- or nanoseconds."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.ingest.quarantine import Refused

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = ((1e17, 1000), (1e14, 1), (1e11, 0.001), (0, 0.000001))
"""A number from this size on counts nano-, micro-, milliseconds, seconds: one microsecond is so many of them. Good for the years 1973 to 5138."""


def moment(value: Any, what: str) -> str | None:
    """The time, None where there is none; raises Refused for what is no time. A time without a zone is UTC, as these tools write it."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refused(f"wrong type: {what}")
    try:
        time = _text(value) if isinstance(value, str) else _number(value)
    except (ValueError, OverflowError):
        raise Refused(f"wrong type: {what}") from None
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(value: str) -> datetime:
    if value.strip().isascii() and value.strip().isdigit():
        return _number(int(value))
    time = datetime.fromisoformat(value.strip())
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _number(value: float) -> datetime:
    unit = next(per for least, per in UNITS if abs(value) >= least)
    whole = int(value)
    if unit >= 1:
        return EPOCH + timedelta(microseconds=whole // int(unit))
    return (
        EPOCH + timedelta(microseconds=round(value / unit)) if value != whole else EPOCH + timedelta(microseconds=whole * round(1 / unit))
    )
