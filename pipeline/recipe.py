"""The lesson: recipes, task cards and suites as typed YAML. A default lives once, on its field; an unknown key is an error."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError

from pipeline.errors import BadRecipe
from pipeline.settings import Settings
from pipeline.sieve import Choice, Filters
from pipeline.spec import Ability, Answer, Checking, Growth, Importing, Judging, Match, Slice, Spec, Suite, Task

__all__ = [
    "Ability",
    "Answer",
    "Checking",
    "Growth",
    "Importing",
    "Judging",
    "Match",
    "Slice",
    "Spec",
    "Suite",
    "Task",
]  # one name for whoever reads a lesson: `recipe.Task`

SHIPPED = Path(__file__).parent
EVALS = SHIPPED.parent / "evals"


class Ingest(Spec):
    consent_default: bool = True
    """What an absent `consent` means."""
    importing: Importing = Importing()
    """What other tools' names mean."""
    max_quarantined_share: float = Field(0.8, gt=0, le=1)
    """A day with a larger share of bad lines stops: nothing of it is stored. So lenient that only a file that is no log meets it; teams that
    know their exporter lower it (1 in 100 is a good alarm)."""
    max_quarantined_lines: int = Field(500, ge=0)
    """… but never for this many bad lines or fewer: a small file with a few bad lines is looked at, it stops nothing."""


class Mining(Filters):
    """Which feedback becomes a row."""

    min_edit_chars: int = Field(1, ge=1)
    """A shorter edit is no answer."""
    cosmetic_ratio: float = Field(0.9, gt=0, le=1)
    """An edit more similar than this to the answer goes to SFT only: DPO would lower both (DPOP)."""
    min_net_score: float = Field(1.0, gt=0)
    """Votes for minus votes against that a contested answer or pick needs to be believed."""
    max_rows_per_user_day: int = Field(50, gt=0)
    """Rows that one user may put into one day's pairs."""
    full_rows_per_user_day: int = Field(10, gt=0)
    """Rows of one user and kind that weigh in full; the k-th weighs this / k, so that fifty rows count as 26."""
    max_voice_share: float = Field(0.1, gt=0, le=1)
    """Most that one user, or users in concert, may weigh among a task's rows of one kind, and most of a day's words that may contradict others'
    (three may always, and where voices are too few for this share, twice an equal one). One row in ten that is wrong costs a lesson little;
    a tenth of raters gives half of the thumbs."""
    lint: Literal["stop", "warn"] = "stop"
    """Whether what lint stops is left out of the pairs, or only said."""
    heldout_share: float = Field(0.1, ge=0, lt=1)
    """Share of users and conversations that are never trained on and form the held-out tests."""
    heldout_rows: int = Field(200, ge=0)
    """Most held-out rows of a task that one batch adds; what is over stays out of training too."""
    heldout_least: int = Field(20, ge=0)
    """A task with fewer held-out rows than this in a batch is named: too few to measure it by."""
    near_duplicate: float | None = Field(0.7, ge=0.5, le=1)
    """Share of three-word shingles (Jaccard) from which two prompts are near-duplicates: of rows with the same answer the first is kept, and
    nothing is trained on that is near a held-out item. Counted over what varies of a task's prompts. null = only equal prompts are found."""
    template_share: float = Field(0.05, ge=0.01, le=0.5)
    """Shingles in a larger share of a task's different prompts are its instruction and not compared."""
    item_cover: float = Field(0.5, gt=0, le=1)
    """A row that repeats this share of the n-grams of an item that the gate asks is not trained on (see pipeline/overlap.py)."""
    praise_sft: bool = False
    """Whether praised answers become SFT rows too, at low weight."""
    implicit: bool = True
    """Whether the user's next words are read as signals too. They become no rows of their own; a complaint takes a praising click back."""
    growth: Growth = Growth()
    """Noisy variants of real questions, and hard tasks in parts."""
    only: Literal["hotfix"] | None = None
    """Mine only the conversations that a hotfix file brought."""
    min_events: int = Field(1, ge=0)
    """A day with fewer new signals than this trains nothing: the run ends green and says so."""


class Mixing(Choice):
    """How many rows of what, and in which order."""

    ratio: float = Field(5.0, ge=0, le=20)
    """general : domain, in row passes (DMT, arXiv 2310.05492; 5:1 is a sampling weight, not a law)."""
    general: str = "general/general.jsonl"
    """The general replay pool: a JSONL of {"messages": …}, found under recipes/."""
    general_repeats: int = Field(3, ge=1, le=20)
    """Most passes over one general row; what is missing then is recorded as a shortfall."""
    replay_share: float = Field(1 / 256, ge=1 / 256, le=1)
    """Least share of every other task beside the key pass."""
    replay_rows: int = Field(64, ge=0)
    """… and at least this many rows of it, or all it has."""
    max_rows_per_user: int | None = Field(None, gt=0)
    """Most rows of one user in a task of the mix; null = no cap beyond the daily one."""
    max_voice_share: float = Field(0.1, gt=0, le=1)
    """Most that one user may weigh among a task's rows of one kind, over all days; twice an equal share where users are too few for it."""
    max_days: int | None = Field(None, gt=0)
    """Days of pairs that are looked back on; null = all kept."""
    train_other: bool = False
    """Whether rows that no task card matched are trained on."""
    slice: Slice = Slice()
    """Which part of an earlier mix is the lesson, for `equipoise mix MIX-ID`; with a pairs-… id it must be left out."""


class Training(Spec):
    """How the trainer runs. Null means that the plan decides from the data and says why."""

    start: Literal["origin", "champion"] = "origin"
    """Daily lessons start from the fixed origin; a hotfix continues the champion's adapter."""
    method: Literal["auto", "sft", "sft+dpo", "sft+kto"] = "auto"
    full_finetune: bool = False
    """Train all weights instead of an adapter. Fast forgetting: the gate is what stands between this and users."""
    lora_rank: int | None = Field(None, ge=1, le=512)
    lora_alpha: int | None = Field(None, ge=1, le=2048)
    lora_dropout: float | None = Field(None, ge=0, le=0.5)
    learning_rate: float | None = Field(None, gt=0, le=0.1)
    dpo_learning_rate: float | None = Field(None, gt=0, le=0.1)
    dpo_beta: float | None = Field(None, gt=0, le=5)
    epochs: int | None = Field(None, ge=1, le=20)
    batch_size: int | None = Field(None, ge=1, le=1024)
    gradient_accumulation: int | None = Field(None, ge=1, le=1024)
    max_length: int | None = Field(None, ge=16, le=131072)
    """Tokens of a row; longer rows are dropped with the reason, never cut."""
    loss_type: Literal["nll", "dft"] | None = None
    train_on: Literal["last", "every"] = "last"
    """Loss on the last answer of a row, or on every answer."""
    min_rows: int = Field(8, ge=1)
    """Fewer rows of a task than this teach its noise: the task waits and the plan says "collect more"."""
    min_dpo_pairs: int = Field(64, ge=2)
    """Fewer pairs than this: DPO is skipped and the plan says so."""
    deepspeed: Literal["zero2", "zero3"] | None = None
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    scale: float | None = Field(None, gt=0, lt=2)
    """Strength of what was learnt, for `equipoise train MODEL-ID`: on what it began from, or with start: champion on the model in service."""
    seed: int = 17
    save_steps: int | None = Field(None, ge=1)
    processes: int | None = Field(None, ge=1, le=64)
    """Trainer processes on one machine; null = one a GPU, else one."""


class Evaluation(Spec):
    """What the model is asked before anybody else asks it."""

    suites: list[str] = Field(["starter"], min_length=1)
    """Suite files, by name."""
    batch_size: int = Field(32, ge=1, le=1024)
    """Answers written at once. A CPU writes 32 in 1.4 times the time of 16; more gains little. It moves rounding, so it is part of a score's key."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    max_heldout: int = Field(200, ge=1)
    """Most held-out items a target task."""
    half: Literal["all", "dev", "held"] = "all"
    """Which half of every benchmark is asked: whoever chooses between candidates does it on `dev`, and has the winner judged on `held`."""
    max_new_tokens: int = Field(64, ge=1, le=4096)
    """Longest answer to a held-out prompt."""
    looks: int = Field(1, ge=1, le=10)
    """Batches in which a candidate's suite is asked, in a random order; after each, what is settled is asked no further, and nothing once the
    verdict is. 4 need about .7 of the items at equal error (O'Brien & Fleming 1979). 1 = everything is asked."""
    items_per_ability: int | None = Field(None, ge=100)
    """Most items of an ability that a candidate is asked, drawn anew for each; where earlier candidates' flips are known, more of them where
    answers flip (Neyman 1934), weighted back to the whole pool. null = all of it."""
    seed: int = 17


class Gate(Spec):
    """How small a loss must be shown to be. Scores are fractions: .02 is two points."""

    margin: float = Field(0.02, gt=0, lt=1)
    """Largest drop of an ability, against the champion."""
    pooled_margin: float = Field(0.01, gt=0, lt=1)
    """Largest drop over all items together, against the champion."""
    margins: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(default_factory=dict)
    """Margins of single abilities, by name."""
    origin_margin: float = Field(0.04, gt=0, lt=1)
    """Largest drop of an ability against the origin: what stops many small losses from adding up."""
    origin_pooled_margin: float = Field(0.02, gt=0, lt=1)
    """Largest drop over all items together, against the origin."""
    origin_margins: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(default_factory=dict)
    """Margins of single abilities against the origin, by name."""
    origin_window: int | None = Field(60, ge=1, le=3650)
    """Days over which false alarms against the origin add up to one test's 5%: each day's test may spend a 60th of it, or the same test on the
    same items would ring in most windows. null = 1/(t(t+1)) of it on the t-th day since the origin was set, however long it stands."""
    origin_budget: float | None = Field(None, gt=0, le=1)
    """Most that all promotions since the origin was set may lose of an ability, summed; null = its margin against the origin. A candidate that
    would overdraw it holds, and `equipoise anchor` starts a new account."""
    origin_pooled_budget: float | None = Field(None, gt=0, le=1)
    """The same over all items together; null = origin_pooled_margin."""
    budget_charges: Literal["proved", "all"] = "proved"
    """What a promotion is charged with: drops against the origin that are proved beyond one chance in 200, or every drop seen. Noise alone
    uses `all` up within weeks even with 1500 items an ability (an unchanged model is held in three of four 60-day windows)."""
    strict: bool = False
    """Block every proved drop, even one shown to be small."""
    may_hold: bool = False
    """Accept a suite so small that an unchanged model would usually be held."""
    plan_psi: float = Field(0.1, gt=0, le=1)
    """Share of items expected to flip between champion and candidate; for the feasibility of the margins."""
    targets: Literal["superior", "noninferior"] = "superior"
    """What the lesson's target tasks must show."""
    target_margin: float = Field(0.05, gt=0, lt=1)
    """Largest drop of a target task that is not asked to be superior."""
    checks: Checking = Checking()
    """When behaviour checks block."""


class Recipe(Spec):
    """One lesson, from logs to release."""

    name: str = "daily"
    about: str = ""
    tasks: list[str] | None = None
    """Task cards by name; null = every card that is found."""
    ingest: Ingest = Ingest()
    mining: Mining = Mining()
    judging: Judging = Judging()
    mixing: Mixing = Mixing()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()
    retention: int | None = Field(None, ge=1)
    """Days that a conversation is kept after the last day that brought anything of it; null = until somebody asks. `equipoise forget --due`,
    which the daily lesson runs, erases what is older: the whole conversation, and waiting feedback and refused lines of that age."""
    approval: Literal["auto", "on_hold", "always"] = "on_hold"
    """Who promotes: the gate alone, a person where it holds, or always a person. A block is never promoted."""
    repair: Literal["by_hand", "auto"] = "by_hand"
    """Whether a day tries to repair a candidate that the gate blocked (`equipoise repair`), or leaves that to a person."""
    repair_minutes: float = Field(120.0, gt=0, le=7 * 24 * 60)
    """Most that one repair may take; it begins nothing that would not fit, and keeps time for the verdict on what it chose."""


def find(settings: Settings, kind: str, file: str) -> Path:
    """The file that is used: EQUIPOISE_CONFIG's own, else the shipped one, else one that a command wrote (see commands/lessons.py).

    kind is recipes, tasks, suites or heldout.
    """
    shipped = (EVALS if kind in ("suites", "heldout") else SHIPPED) / kind
    folders = ([settings.config / kind] if settings.config else []) + [shipped] + ([settings.home / kind] if kind == "recipes" else [])
    for folder in folders:
        path = (folder / file).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path
    raise BadRecipe(f"{kind}/{file} is in none of {', '.join(map(str, folders))}: name another or write it there")


def read(path: Path, spec: type[Spec]) -> Any:
    """Read one YAML file into its spec; the error names file, field, value and limit."""
    try:
        return spec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRecipe(f"{path}: {_words(error)}") from None


def _words(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"no readable YAML: {error}"
    parts = []
    for e in error.errors()[:5]:
        value = repr(e.get("input"))
        parts.append(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']} (it is {value if len(value) < 80 else value[:77] + '…'})")
    return "; ".join(parts)


def load(settings: Settings, name: str = "daily") -> Recipe:
    found = read(find(settings, "recipes", f"{name}.yaml"), Recipe)
    if found.name != name:
        raise BadRecipe(f"recipes/{name}.yaml calls itself {found.name}: let name and file agree")
    return found


def cards(settings: Settings, recipe: Recipe) -> dict[str, Task]:
    """The task cards of a lesson, by name."""
    names = recipe.tasks
    if names is None:
        folders = ([settings.config / "tasks"] if settings.config else []) + [SHIPPED / "tasks"]
        names = sorted({p.stem for folder in folders for p in folder.glob("*.yaml")})
    found = {n: read(find(settings, "tasks", f"{n}.yaml"), Task) for n in names}
    wrong = [n for n, card in found.items() if card.name != n]
    if wrong:
        raise BadRecipe(f"tasks/{wrong[0]}.yaml calls itself {found[wrong[0]].name}: let name and file agree")
    return found


def suite(settings: Settings, name: str) -> tuple[Suite, Path]:
    """A suite and the file it stands in (its folders are relative to that)."""
    path = find(settings, "suites", f"{name}.yaml")
    return read(path, Suite), path


def digest(*parts: object) -> str:
    """sha256 of specs and plain values, for ids."""
    plain = [p.model_dump(mode="json", by_alias=True) if isinstance(p, BaseModel) else p for p in parts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()).hexdigest()
