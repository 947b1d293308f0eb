"""What is taught and what is measured: task cards and suites as typed YAML. An unknown key is an error."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(Spec):
    """Which rows are this task. All given conditions must hold; several cards may not match one row."""

    app: str | None = None
    """The log's `app`, exactly."""
    prompt_regex: str | None = None
    """Found in the last user turn (Python `re`, search)."""
    locale: str | None = None


class Answer(Spec):
    """One answer format per task."""

    format: Literal["label", "json", "regex", "free"] = "free"
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    """JSON schema of the answer, for format json."""
    pattern: str | None = None
    """Full match wanted, for format regex."""


class Task(Spec):
    """A task card: one thing we teach."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    about: str = ""
    match: Match = Match()
    system: str | None = None
    """The system text that training rows get when the log has none."""
    labels: dict[str, str] | None = None
    """Definitions, for balance and for the prompt-only measure."""
    answer: Answer = Answer()
    checker: Literal["exact", "label", "json", "regex", "contains"] = "exact"
    """How a held-out answer is scored."""
    cap: int = Field(1000, gt=0, le=1000)
    """Most examples one mix may hold for this task."""
    quotas: dict[Literal["boundary", "hard", "easy"], float] | None = None
    """Shares of difficulty, summing to 1."""
    key: bool = False
    """A key task gets one more pass after all the others, and must be shown better."""

    @model_validator(mode="after")
    def _consistent(self) -> "Task":
        if self.answer.format == "label" and not self.labels:
            raise ValueError("answer.format is label and there are no labels: define them under labels:")
        if self.answer.format == "regex" and not self.answer.pattern:
            raise ValueError("answer.format is regex and answer.pattern is missing")
        if self.quotas and abs(sum(self.quotas.values()) - 1) > 1e-6:
            raise ValueError(f"quotas sum to {sum(self.quotas.values()):g}, they must sum to 1")
        return self


class Importing(Spec):
    """What the names mean that people gave to feedback in other tools. A name that is not listed is stored, and never taken for a thumb."""

    thumb_keys: list[str] = ["user_score", "user-score", "user_feedback", "user-feedback", "thumbs", "thumbs_up"]
    """LangSmith feedback keys whose 0 and 1 are a thumb; numbers under other keys are ratings."""
    praise_metrics: list[str] = ["thumbs_up", "user_thumbs_up", "liked", "helpful", "user_feedback"]
    """TensorZero boolean metrics whose `true` is praise; the others are ratings of 0 and 1."""
    user_evaluations: list[str] = ["user_feedback", "user-feedback", "user_score", "user_rating"]
    """OpenTelemetry evaluation names that a user spoke under; every other evaluation is a machine's."""
    praise_labels: list[str] = ["thumbs_up", "thumb_up", "up", "positive", "good", "like", "liked", "helpful"]
    """OpenTelemetry evaluation labels that are a thumb up."""
    blame_labels: list[str] = ["thumbs_down", "thumb_down", "down", "negative", "bad", "dislike", "disliked", "unhelpful", "not_helpful"]
    """OpenTelemetry evaluation labels that are a thumb down; a label in neither list leaves the score as a rating."""
    categories: dict[str, Literal["report", "comment"]] = {}
    """Langfuse categorical scores by name: report or comment. A name that is not here is a comment."""


class Ability(Spec):
    tasks: list[str]
    """lm-eval task names."""
    metric: str | None = None
    """The metric that decides; null = the first that the task lists."""
    filter: str | None = None
    """The filter that decides; null = flexible before strict."""
    cluster: str | None = None
    """Column of the item that says which items hang together."""
    n: int | None = Field(None, ge=1)
    """Items it holds, declared so that margins can be judged before anything is evaluated; evaluate checks it."""
    report_only: bool = False
    """Too small for its margin: it can block, it need not certify."""
    kind: Literal["suite", "report"] = "suite"
    """`report` is shown and never gates."""


class Suite(Spec):
    """A set of benchmarks: abilities group lm-eval tasks."""

    name: str
    about: str = ""
    include: str | None = None
    """Folder of lm-eval task files, relative to the suite file."""
    defaults: bool = False
    """Use lm-eval's own task names; most need a hub."""
    data_dir: str | None = None
    """Handed to the tasks as metadata `data_dir`; relative to the suite file."""
    chat_template: bool = False
    """Ask through the model's chat template."""
    num_fewshot: int | None = Field(None, ge=0)
    items: int | None = Field(None, ge=1)
    """Most items a task, drawn with a recorded seed; null = all."""
    abilities: dict[str, Ability]
