"""Recipes, cards and suites: a mistake is named with file, field, value and limit."""

from dataclasses import replace

import pytest

from pipeline import recipe
from pipeline.errors import BadRecipe
from pipeline.settings import Settings


def lay(home: Settings, kind: str, name: str, text: str) -> Settings:
    folder = home.home / "config" / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return replace(home, config=home.home / "config")


def test_every_shipped_recipe_card_and_suite_is_good(home: Settings) -> None:
    recipes = sorted((recipe.SHIPPED / "recipes").glob("*.yaml")) + sorted((recipe.SHIPPED / "demo" / "config" / "recipes").glob("*.yaml"))
    cards = sorted(recipe.SHIPPED.glob("tasks/*.yaml")) + sorted(recipe.SHIPPED.glob("demo/config/tasks/*.yaml"))
    suites = sorted((recipe.EVALS / "suites").glob("*.yaml"))
    assert recipes and cards and suites
    for files, spec in ((recipes, recipe.Recipe), (cards, recipe.Task), (suites, recipe.Suite)):
        for path in files:
            assert recipe.read(path, spec).name == path.stem


def test_a_cap_above_a_thousand_is_refused_by_name(home: Settings) -> None:
    mine = lay(home, "tasks", "refunds", "name: refunds\ncap: 1400\n")
    with pytest.raises(BadRecipe, match=r"refunds\.yaml: cap: .*1000 \(it is 1400\)"):
        recipe.cards(mine, recipe.Recipe(tasks=["refunds"]))


def test_an_unknown_key_is_refused(home: Settings) -> None:
    mine = lay(home, "recipes", "mine", "name: mine\nmargin: 0.1\n")
    with pytest.raises(BadRecipe, match="margin: Extra inputs are not permitted"):
        recipe.load(mine, "mine")


def test_a_file_that_calls_itself_otherwise_is_refused(home: Settings) -> None:
    with pytest.raises(BadRecipe, match="calls itself other"):
        recipe.load(lay(home, "recipes", "mine", "name: other\n"), "mine")


def test_your_own_file_is_laid_over_the_shipped_one(home: Settings) -> None:
    mine = lay(home, "recipes", "daily", "name: daily\nabout: ours\n")
    assert recipe.load(mine).about == "ours" and recipe.load(home).about != "ours"


@pytest.mark.parametrize("name", ["../../secret", "..", "/etc/passwd", "a/../../b"])
def test_a_name_never_leads_out_of_its_folder(name: str, home: Settings) -> None:
    with pytest.raises(BadRecipe):
        recipe.load(home, name)


def test_broken_yaml_and_yaml_tags_are_one_clear_error(home: Settings) -> None:
    for text in ("name: [", "name: !!python/object/apply:os.system ['true']"):
        with pytest.raises(BadRecipe, match="no readable YAML"):
            recipe.load(lay(home, "recipes", "mine", text), "mine")


def test_a_digest_changes_with_a_field_and_not_with_the_order_of_keys() -> None:
    assert recipe.digest({"a": 1, "b": 2}) == recipe.digest({"b": 2, "a": 1})
    assert recipe.digest(recipe.Gate()) != recipe.digest(recipe.Gate(margin=0.03))
