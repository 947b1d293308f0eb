"""What a batch of logs puts before the judge, read from the lake as it stood when the logs were sealed."""

from datetime import date
from typing import Any

from pipeline import lake
from pipeline.mine import complaints, contexts, implicit, judge_sitting
from pipeline.mine.cards import Desk
from pipeline.mine.complaints import NOBODY, Complaint, Ruled
from pipeline.mine.judge import Judge
from pipeline.mine.judge_prompts import AGAINST
from pipeline.mine.marks import Drop
from pipeline.recipe import Recipe
from pipeline.settings import Settings


def ruled(judge: Judge | None, sealed: dict[str, Any], recipe: Recipe, settings: Settings, desk: Desk) -> Ruled:
    """The judge's rulings on the batch; NOBODY's where no judge is configured or nobody listens to what users say next."""
    if judge is None or not recipe.mining.implicit or recipe.mining.only:
        return NOBODY
    filed, dropped = docket(sealed, recipe, settings, desk)  # the lake is closed again before anybody is asked: that may take an hour
    return judge_sitting.sit(judge, str(sealed["id"]), filed, dropped, recipe.mining)


def docket(sealed: dict[str, Any], recipe: Recipe, settings: Settings, desk: Desk) -> tuple[list[Complaint], list[Drop]]:
    """The day's complaints in the order in which they are heard. Conversations without an event of their own are looked at too."""
    day = date.fromisoformat(sealed["day"])
    with lake.connect(settings, snapshot=sealed["snapshot"], scratch="mine") as con:
        lake.run(con, "mine/touched", day=day, only=None)
        heard = implicit.listened(con, day, None).of(day).heard
        lake.run(con, "mine/complained", day=day, against=list(AGAINST))
        talks = contexts.talks(lake.query(con, "mine/conversations"), lake.query(con, "mine/messages", day=day))
    return complaints.filed(heard, talks, desk, recipe.mining, recipe.judging)
