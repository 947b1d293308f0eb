"""Everything that a model is asked, and how: two models' scores may be compared where this is equal."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

from pipeline import chat, lineage, recipe, service
from pipeline.errors import BadRecipe
from pipeline.evaluate import examples, halves, heldout, lmeval, looks, scorer, suites, writer
from pipeline.recipe import Recipe
from pipeline.settings import Settings


@dataclass
class Questions:
    """Suites and held-out prompts for one candidate, and for whatever it is compared with."""

    settings: Settings
    model: str
    """The candidate: its lineage says which held-out items were set aside."""
    lesson: Recipe

    @cached_property
    def day(self) -> date:
        """A candidate's scores belong to its day; the origin has none, so a run on its own belongs to today."""
        return lineage.day_of(self.model) if self.model != "origin" else datetime.now(UTC).date()

    @cached_property
    def pairs(self) -> list[str]:
        return heldout.sources(self.settings, self.model)

    @cached_property
    def taught(self) -> dict[str, recipe.Task]:
        return recipe.cards(self.settings, self.lesson)

    @cached_property
    def kept(self) -> dict[str, recipe.Task]:
        """Tasks that the model in service was taught and this lesson leaves out: users have them, and a lesson may forget them."""
        found = heldout.served(self.settings, service.champion(self.settings))
        return {name: card for name, card in found.items() if name not in self.taught}

    @cached_property
    def cards(self) -> dict[str, recipe.Task]:
        return self.kept | self.taught

    @cached_property
    def targets(self) -> dict[str, list[dict]]:
        settings, asked = self.settings, self.lesson.evaluation
        theirs = heldout.documents(settings, self.champions, self.kept, asked)
        return theirs | heldout.documents(settings, self.pairs, self.taught, asked) | self.examples

    @cached_property
    def champions(self) -> list[str]:
        """Pairs behind the model in service, where its own held-out prompts are asked."""
        return heldout.sources(self.settings, service.champion(self.settings)) if self.kept else []

    @cached_property
    def examples(self) -> dict[str, list[dict]]:
        """What a hotfix taught, asked back."""
        fix = self.lesson.mining.only == "hotfix"
        return examples.documents(self.settings, self.model, self.taught, self.lesson.evaluation) if fix else {}

    @cached_property
    def target_cards(self) -> dict[str, recipe.Task]:
        """How the answers to each target are scored."""
        return self.cards | examples.cards(self.cards)

    @cached_property
    def machine(self) -> dict[str, Any]:
        return scorer.machine(self.lesson.evaluation) | writer.engine(self.settings)

    @cached_property
    def evalset(self) -> str:
        """Digest of suites, held-out items and the way they are asked."""
        return recipe.digest(
            [suites.fingerprint(self.settings, s) for s in self.lesson.evaluation.suites],
            {
                t: [docs, self.target_cards[t].checker, self.target_cards[t].answer.pattern, heldout.VERSION]
                for t, docs in self.targets.items()
            },
            # how many of them a candidate is asked is no matter of what is asked: one evaluation set, whatever the rule
            self.lesson.evaluation.model_dump(mode="json", exclude={"looks", "items_per_ability"}),
            self.machine,
            version("lm_eval"),
            *(["few-shot examples drawn item by item"] if looks.planned(self.lesson) else []),
        )

    @cached_property
    def batteries(self) -> list[suites.Battery]:
        """Loaded once for all models that are asked."""
        with lmeval.quiet():
            found = [suites.load(self.settings, s, self.lesson.evaluation) for s in self.lesson.evaluation.suites]
            found.append(heldout.battery(self.target_cards, self.targets, self.lesson.evaluation))
        for name in self.examples:
            found[-1].abilities[name]["trained_on"] = True
        found = [halves.cut(b, self.lesson.evaluation.half) for b in found]
        for what in ("tasks", "abilities"):
            twice = [name for name, n in Counter(n for b in found for n in getattr(b, what)).items() if n > 1]
            if twice:
                raise BadRecipe(
                    f"recipe {self.lesson.name}: {twice[0]} stands twice among the {what} of {', '.join(b.name for b in found)}; rename one"
                )
        if looks.planned(self.lesson):
            looks.draw_each_alone(found, self.lesson.evaluation.seed)
        if not any(b.tasks for b in found):
            raise BadRecipe(f"recipe {self.lesson.name}: evaluation.suites is empty and no task has held-out items; name a suite")
        return [b for b in found if b.tasks]

    def weights(self, model: str) -> str:
        """sha256 over all that decides what a model answers: the origin, and what was trained on it."""
        base = service.origin_sha(self.settings)
        if model == "origin":
            return base
        files = lineage.manifest(self.settings, model)["files"]
        return recipe.digest(base, {name: sha for name, sha in files.items() if name.startswith("adapter/")})

    def name(self, model: str, rule: looks.Rule | None = None) -> str:
        """Id of a model's scores on these questions, or on those that a rule picks among them."""
        declared = [rule.declared] if rule else []
        return lineage.name("scores", self.day, scorer.VERSION, model, self.weights(model), self.evalset, *declared)

    def parents(self, model: str) -> list[str]:
        """The model, and the pairs whose held-out rows are copied into the scores: `forget` must find them."""
        return [*([] if model == "origin" else [model]), *dict.fromkeys([*self.pairs, *self.champions])]

    def settings_for(self, model: str) -> dict[str, Any]:
        """What must be equal on both sides before two scores are compared (gate.md 1)."""
        asked_in_chat = {b.name: b.chat for b in self.batteries}
        folder = scorer.vocabulary(self.settings, model)
        return {
            **self.machine,
            "template_sha": chat.template(folder).sha if any(asked_in_chat.values()) else None,
            "system_sha": None,
            "chat": asked_in_chat,
            "fewshot": {name: task.config.num_fewshot for b in self.batteries for name, task in b.tasks.items()},
            "fewshot_seed": self.lesson.evaluation.seed,
            "versions": {name: str(task.VERSION) for b in self.batteries for name, task in b.tasks.items()},
            "lm_eval": version("lm_eval"),
        }
