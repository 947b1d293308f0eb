"""What a recipe may ask of rows beyond their signals: filters of `mine`, and what `mix` chooses by. All of it is off unless a recipe asks."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.spec import Spec

KNOWN = 0.5
"""Share of the ways of asking in which a model must know a fact. Each succeeds by luck once in eight: one of four in 41% of cases, two in 8%."""


class Filters(Spec):
    """Rows that `mining` leaves out for what their texts are."""

    semantic_duplicate: float | None = Field(None, ge=0.5, le=1)
    """Cosine from which two prompts say the same, where both rows teach the same too; the first is kept. Over what varies of a task's prompts,
    by the static embeddings of `make models`, which read English: .9 took 2% of the distinct utterances of the intent logs (evals/LOG.md).
    null = not looked for. Where the embeddings are not installed, the batch says so and keeps its rows."""
    languages: list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] | None = Field(None, min_length=1)
    """Languages that rows may be in (ISO 639-1: en, zh, …), prompt and free answer; null = any. Texts too short to tell pass."""
    one_language: bool = False
    """Whether a free answer must be in its prompt's language. Leave it off where a task translates."""
    toxic: float | None = Field(None, gt=0, lt=1)
    """Chance of being offensive (alt-profanity-check; English) from which no row teaches an answer, nor a praised answer to such a prompt: praise
    also rewards jailbreaks. null = not looked at; .9 is a cautious start."""


class Choice(Spec):
    """What `mixing` chooses a task's rows by, beside their day and their signal."""

    measure_rows: bool = False
    """Whether `equipoise day` and the DAG measure the day's rows under the champion and the origin before they are mixed (`evaluate --rows`):
    two forward passes a row and model, and for rows that state a fact as many more as there are ways to ask for it."""
    unknown_facts: Literal["drop", "keep"] = "drop"
    """What becomes of a measured row whose fact the origin does not know however it is asked: teaching it breeds invention (arXiv 2405.05904).
    A hotfix is always kept."""
    quality: Literal["off", "rules", "verdicts"] = "off"
    """What tells good rows from poor ones under a cap: rules alone, or what people's verdicts showed (`equipoise audit --fit`). Rows likelier poor
    than good go behind all others, and among the rest of a day hardness counts times quality and complexity."""
