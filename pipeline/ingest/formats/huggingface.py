"""Any data set of the hub that has a column `messages`: a conversation a row, whatever other columns there are."""

from collections import Counter
from typing import Any

from pipeline.ingest.derive import derived_id
from pipeline.ingest.formats import turns
from pipeline.ingest.formats.base import Format, Reading, decoded, each, named, words
from pipeline.ingest.formats.languages import code

IDS = ("conversation_id", "id", "prompt_id", "uuid", "conversation_hash")


def claims(record: dict[str, Any]) -> bool:
    return "messages" in record and "conversation_id" not in record


def read(record: dict[str, Any], reading: Reading) -> dict[str, Any]:
    messages = turns.messages(decoded(record.get("messages"), "messages"), Counter())
    language = record.get("language") or record.get("lang")
    locale = code(language) or (language if isinstance(language, str) and len(language) in (2, 5) else None)
    return {
        "conversation_id": next((found for k in IDS if (found := named(record.get(k), k))), None) or derived_id("huggingface", messages),
        "user_id": named(record.get("user_id"), "user_id"),
        "model": words(record.get("model"), "model"),
        "locale": locale,
        "messages": messages,
        "feedback": [],
    }


FORMAT = Format(
    name="huggingface",
    reads="Parquet files of a data set with a column `messages` (JSONL too, with --format huggingface)",
    carries=("messages", "tool calls", "id, user_id, model and language, where such columns are"),
    cannot=("any feedback", "times", "ids of messages", "app", "consent", "other columns"),
    claims=claims,
    convert=each(read),
    aliases=("huggingface_messages", "hf"),
    parquet=True,
)
