"""Promotion: who may, what is written in which order, and that twice is once."""

import json

import pytest

from pipeline import lineage, recipe, service
from pipeline.commands import rollback
from pipeline.errors import BadInput, Permanent, Transient
from pipeline.promote import decisions, policy, run
from pipeline.report import run as report
from tests import lineage_world

AUTO, ON_HOLD, ALWAYS = (recipe.Recipe(approval=a) for a in ("auto", "on_hold", "always"))


def reported(home, verdict="promote", lesson=ON_HOLD, **options):
    world = lineage_world.build(home, verdict, lesson=lesson, **options)
    return world, report.run(world.verdict, lesson, home)["id"]


def book(home):
    path = home.home / "decisions.jsonl"
    return decisions.read(path.read_text()) if path.exists() else []


@pytest.mark.parametrize("lesson", [AUTO, ON_HOLD], ids=["auto", "on_hold"])
def test_a_promote_verdict_goes_into_service_by_itself(home, lesson):
    world, id = reported(home, lesson=lesson)
    made = run.run(id, lesson, home)
    assert lineage.sealed(home, made["id"])
    assert service.champion(home) == world.model
    current = service.current(home)
    assert (current["release"], current["report"], current["verdict_id"]) == (made["id"], id, world.verdict)
    assert [(e["action"], e["who"], e["verdict"]) for e in book(home)] == [("promote", run.AUTOMATIC, "promote")]


@pytest.mark.parametrize(("verdict", "lesson"), [("hold", AUTO), ("hold", ON_HOLD), ("promote", ALWAYS), ("hold", ALWAYS)])
def test_what_needs_a_person_waits_for_one(home, verdict, lesson):
    world, id = reported(home, verdict, lesson)
    with pytest.raises(policy.NeedsPerson, match="--by YOU") as error:
        run.run(id, lesson, home)
    assert error.value.exit_code == 65
    assert service.champion(home) == "origin"
    assert not book(home)
    run.run(id, lesson, home, by="mei", note="read the items")
    assert service.champion(home) == world.model
    assert (book(home)[0]["who"], book(home)[0]["note"]) == ("mei", "read the items")


@pytest.mark.parametrize("lesson", [AUTO, ON_HOLD, ALWAYS], ids=["auto", "on_hold", "always"])
@pytest.mark.parametrize("by", [None, "mei", " "])
def test_a_block_is_never_promoted_by_anybody(home, lesson, by):
    _, id = reported(home, "block", lesson)
    with pytest.raises(policy.Blocked) as error:
        run.run(id, lesson, home, by=by, note="please")
    assert error.value.exit_code == 65
    assert service.champion(home) == "origin"
    assert not list((home.home / "release").glob("*")) and not book(home)


def test_a_lesson_sealed_under_always_is_not_promoted_under_another_recipe(home):
    _, id = reported(home, lesson=ALWAYS)
    with pytest.raises(policy.NeedsPerson):
        run.run(id, AUTO, home)


def test_promote_is_refused_when_another_champion_came_meanwhile(home):
    _, first = reported(home, salt="first")
    _, second = reported(home, salt="second")
    run.run(first, ON_HOLD, home)
    with pytest.raises(Transient, match="is in service now") as error:
        run.run(second, ON_HOLD, home, by="mei")
    assert error.value.exit_code == 75
    assert len(book(home)) == 1


def test_promoting_twice_is_promoting_once(home):
    _, id = reported(home)
    first = run.run(id, ON_HOLD, home)
    before = (home.home / "current.json").read_bytes(), (home.home / "decisions.jsonl").read_bytes()
    assert run.run(id, ON_HOLD, home) == first
    assert run.run(id, ON_HOLD, home, by="mei", note="again") == first
    assert before == ((home.home / "current.json").read_bytes(), (home.home / "decisions.jsonl").read_bytes())


def test_an_earlier_days_run_repeated_leaves_the_newer_release_in_service(home):
    world, first = reported(home)
    run.run(first, ON_HOLD, home)
    newer, second = reported(home, champion=world.model, salt="next")
    run.run(second, ON_HOLD, home)
    again = run.run(first, ON_HOLD, home)
    assert not again["in_service"]
    assert service.champion(home) == newer.model
    assert len(book(home)) == 2


def test_a_release_names_what_it_serves_and_what_it_replaced(home):
    world, first = reported(home)
    one = run.run(first, ON_HOLD, home)["id"]
    newer, second = reported(home, champion=world.model, salt="next")
    two = run.run(second, ON_HOLD, home)["id"]
    facts = json.loads((lineage.folder(home, two) / "release.json").read_text())
    assert (facts["previous"], facts["previous_model"], facts["model"], facts["verdict_id"]) == (
        one,
        world.model,
        newer.model,
        newer.verdict,
    )
    weights = lineage.folder(home, newer.model) / "adapter" / "adapter_model.safetensors"
    assert facts["files"]["adapter/adapter_model.safetensors"] == lineage.sha256(weights)
    assert lineage.sealed(home, one), "the history of releases is kept"


def test_a_no_is_recorded_once_and_binds_the_scheduler_but_not_a_person(home):
    world, id = reported(home)
    for _ in range(2):
        assert run.run(id, ON_HOLD, home, by="mei", note="not this one", reject=True)["action"] == "reject"
    assert [e["action"] for e in book(home)] == ["reject"]
    with pytest.raises(policy.NeedsPerson, match="rejected by mei"):
        run.run(id, ON_HOLD, home)
    run.run(id, ON_HOLD, home, by="kai", note="on second thought")
    assert service.champion(home) == world.model
    with pytest.raises(Permanent, match="rollback"):
        run.run(id, ON_HOLD, home, by="mei", reject=True)


def test_a_changed_parent_is_not_promoted(home):
    world, id = reported(home)
    path = lineage.folder(home, world.verdict) / "verdict.json"
    path.write_text(path.read_text().replace('"verdict": "promote"', '"verdict": "promote" '))
    with pytest.raises(Permanent, match="not what was sealed"):
        run.run(id, ON_HOLD, home)


def test_rollback_returns_to_the_release_before_and_then_to_the_origin(home):
    world, first = reported(home)
    one = run.run(first, ON_HOLD, home)["id"]
    _, second = reported(home, champion=world.model, salt="next")
    run.run(second, ON_HOLD, home)
    assert rollback.run(home, reason="users complain", by="mei")["release"] == one
    assert service.champion(home) == world.model
    assert rollback.run(home, reason="still")["model"] == "origin"
    assert service.champion(home) == "origin"
    with pytest.raises(Permanent, match="nothing before it"):
        rollback.run(home, reason="more")
    assert [e["action"] for e in book(home)] == ["promote", "promote", "rollback", "rollback"]
    assert decisions.broken((home.home / "decisions.jsonl").read_text()) is None


def test_what_was_rolled_back_comes_back_only_by_a_persons_word(home):
    world, id = reported(home)
    made = run.run(id, ON_HOLD, home)["id"]
    rollback.run(home, reason="it swears", by="mei")
    with pytest.raises(policy.NeedsPerson, match="rolled back by mei"):
        run.run(id, ON_HOLD, home)
    assert run.run(id, ON_HOLD, home, by="mei", note="mended the prompt")["id"] == made
    assert service.champion(home) == world.model


def test_rollback_can_name_its_release_and_saying_it_twice_changes_nothing(home):
    world, first = reported(home)
    one = run.run(first, ON_HOLD, home)["id"]
    _, second = reported(home, champion=world.model, salt="next")
    run.run(second, ON_HOLD, home)
    for _ in range(2):
        assert rollback.run(home, to=one, reason="worse")["release"] == one
    assert rollback.run(home, to="origin", reason="worse")["model"] == "origin"
    assert [e["action"] for e in book(home)] == ["promote", "promote", "rollback", "rollback"]


@pytest.mark.parametrize("to", ["release-20261120-00000000", "model-20261120-00000000", "../../etc", "release-20261120-ZZZZZZZZ", ""])
def test_rollback_refuses_what_is_no_sealed_release(home, to):
    _, id = reported(home)
    run.run(id, ON_HOLD, home)
    before = (home.home / "current.json").read_bytes()
    if to:
        with pytest.raises(Permanent):
            rollback.run(home, to=to, reason="because")
        assert (home.home / "current.json").read_bytes() == before
    with pytest.raises(BadInput, match="reason"):
        rollback.run(home, reason=" ")


def test_rollback_refuses_a_release_whose_model_was_damaged(home):
    world, first = reported(home)
    one = run.run(first, ON_HOLD, home)["id"]
    _, second = reported(home, champion=world.model, salt="next")
    run.run(second, ON_HOLD, home)
    (lineage.folder(home, world.model) / "adapter" / "adapter_model.safetensors").write_bytes(b"torn")
    with pytest.raises(Permanent, match="not what was sealed"):
        rollback.run(home, to=one, reason="worse")
