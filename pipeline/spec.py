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


class Decomposition(Spec):
    """How a task that is too hard in one go is taught in parts, cut out of answers that users wrote or kept."""

    by: Literal["headings", "steps"]
    """What begins a part: a Markdown heading, or a numbered line."""
    outline: str = "First write only the outline: one line for each part."
    """Asks for the names of the parts; stands after the user's question."""
    part: str = Field("Now write this part: {part}", pattern=r"\{part\}")
    """Asks for one part; `{part}` is its name."""


class Reverse(Spec):
    """A factual question the other way round. Fine-tuning teaches a fact in the direction of its rows (the reversal curse, arXiv 2309.12288)."""

    subject: str = Field(pattern=r"\(\?P<subject>")
    """Pattern that finds, in the user's last turn, what the fact is about: `capital of (?P<subject>[^?]+)`."""
    question: str = Field(pattern=r"\{answer\}")
    """Asks for the subject; `{answer}` is the right answer."""


class Growth(Spec):
    """Rows made from kept rows: marked `synthetic`, behind every real row where a cap bites, never held out."""

    share: float = Field(0.0, ge=0, le=0.5)
    """Grown rows of a task for each real SFT row; 0 = none. Off until an experiment of yours shows that your users' noise is missing."""
    weight: float = Field(0.5, gt=0, le=1)
    """Weight of a grown row, as a share of its origin's."""
    ways: list[Literal["typos", "casing", "casual", "fragment", "parts"]] = ["typos", "casing", "casual", "fragment", "parts"]
    """`parts` needs `decompose` on the task's card."""


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
    decompose: Decomposition | None = None
    """Parts that growth may teach one by one; only for answers of format free, whose parts are answers too."""
    quotas: dict[Literal["boundary", "hard", "easy"], float] | None = None
    """Shares of difficulty, summing to 1."""
    reverse: Reverse | None = None
    """For `equipoise probe`: whether a fact that is answered wrongly is known in the other direction."""
    key: bool = False
    """A key task gets one more pass after all the others, and must be shown better."""

    @model_validator(mode="after")
    def _consistent(self) -> "Task":
        if self.answer.format == "label" and not self.labels:
            raise ValueError("answer.format is label and there are no labels: define them under labels:")
        if self.answer.format == "regex" and not self.answer.pattern:
            raise ValueError("answer.format is regex and answer.pattern is missing")
        if self.decompose and self.answer.format != "free":
            raise ValueError(
                f"decompose needs answer.format free, this card says {self.answer.format}: a part of such an answer breaks its form"
            )
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


class Judging(Spec):
    """How the judge is asked, what it may cost, and what it must have shown before it is believed. Used only where a judge is configured."""

    calls: int = Field(2000, ge=0, le=1_000_000)
    """Most calls for one batch of logs. What was answered before counts as well, so that a second run ends where the first did."""
    tokens: int = Field(2_000_000, ge=0)
    """No further complaint is taken up once so many tokens were read and written for the batch."""
    minutes: float = Field(60.0, gt=0, le=24 * 60)
    """No further complaint is taken up after so long: the day goes on, and the next run goes on from there."""
    per_user: int = Field(5, ge=1)
    """Most complaints of one user that a batch puts to the judge: nobody spends the budget alone."""
    parallel: int = Field(4, ge=1, le=64)
    """Complaints that are judged at the same time."""
    timeout_s: float = Field(120.0, gt=0, le=3600)
    """Longest wait for one answer."""
    max_tokens: int = Field(1024, ge=64, le=32768)
    """Longest reply: of a rewritten answer, and of the thoughts of a model that thinks aloud."""
    max_chars: int = Field(8000, ge=500)
    """Most characters of a conversation, and of each text, that the judge is shown; what is longer loses its middle."""
    extras: dict[str, str | int | float | bool] = {}
    """Further fields of each request, for endpoints that know them (`seed: 17`); `transformers serve` refuses fields that it does not know."""
    least_cases: int = Field(30, ge=5)
    """Cases judged by people that a trial needs, of each kind of question. With 30 and a kappa of .6 its interval is about ±.25."""
    least_kappa: float = Field(0.4, gt=0, lt=1)
    """Agreement with people below which the judge is not used; people reach .60 to .74 among themselves (arXiv 2507.23158)."""
    least_same: float = Field(0.8, gt=0, le=1)
    """Share of verdicts that come out the same when asked again; below it the judge is not used."""
    most_length_bias: float = Field(0.15, gt=0, le=1)
    """How much oftener than people the judge may prefer the longer answer, as the lower end of the interval: a proved bias counts."""
    least_control: float = Field(0.75, ge=0.5, le=1)
    """Share of the control questions, whose answers are known, that the judge must get right before each batch."""
    on_trust: bool = False
    """Let a judge make rows that was never tried on people's verdicts. The rows say so. The control questions still count."""


class Slice(Spec):
    """A part of a lesson that was mixed before: `equipoise mix MIX-ID`. All defaults together are the whole lesson, which is no slice."""

    only: list[str] | None = None
    """Keep the rows of these taught tasks alone; null = of all. General rows are no task: `replay` and `ratio` say how many there are."""
    without: list[str] = []
    """Leave these tasks out."""
    key_pass: bool = True
    """Keep the extra pass over the key tasks."""
    replay: float = Field(1.0, ge=0, le=20)
    """General rows of the main phase, as a multiple of what there would be; more are drawn from the general pool, 0 = none at all."""
    ratio: float | None = Field(None, ge=0, le=20)
    """General rows to each row of a task, in passes; null = the lesson's own general rows, whatever else is cut."""


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
    kind: Literal["suite", "report", "check"] = "suite"
    """`report` is shown and never gates. `check` blocks when the candidate is proved to do worse than the champion; it has no margin and
    certifies nothing."""
    rule: Literal["worse", "drift"] = "worse"
    """Of a check: whether lower values are worse, or whether values may not move much either way (the length of answers)."""


class Checking(Spec):
    """When behaviour blocks: what the suites' abilities of kind `check` must not do."""

    alpha: float = Field(0.025, gt=0, le=0.05)
    """How often checks may block an unchanged model, all of them together (Holm). Their own share: it comes on top of the abilities' 5%."""
    drift: float = Field(1.5, gt=1, le=10)
    """Factor that the length of answers may move by, longer or shorter, before a proved move blocks. Half as long again is what a reader notices."""


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
