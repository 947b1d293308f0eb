"""What nobody has to ask for: consent that was withdrawn, and what is older than the recipe keeps it."""

from datetime import UTC, datetime, timedelta

from pipeline import lake, lineage, service
from pipeline.commands import trace
from pipeline.erase import run as erase
from tests.erase import world
from tests.erase.world import House

TODAY = datetime.now(UTC).date()


def withdraw(house: House, id: str, user: str) -> str:
    line = {"conversation_id": id, "user_id": user, "consent": False, "messages": []}
    path = world.write(house.settings.home.parent / "outside" / "late_2026-11-22.jsonl", [line])
    return str(world.ingest([path], world.LESSON, house.settings)["id"])


def test_withdrawn_consent_takes_the_text_out_of_every_place_and_leaves_the_tombstone(house: House) -> None:
    victim = house.victims[0]
    own = f"conv-{victim[7:10]}-0"
    words = [world.secret(victim, f"0 {what}").encode() for what in ("question", "answer")]
    logs = withdraw(house, own, victim)
    assert {"lake", "pairs", "mix", "inbox"} <= {n.split("/")[0] for n in world.holding(house.settings.home, words)}, (
        "ingest hides it, and no more"
    )
    (receipt,) = erase.due(house.settings, None)
    assert receipt["what"] == "withdrawn" and receipt["models"] == {house.model: house.mix}
    assert world.holding(house.settings.home, words) == {}
    found = trace.run(house.settings, own)["conversation"]
    assert (found["consent"], found["messages"]) == (False, [])
    assert lineage.sealed(house.settings, logs)
    assert erase.due(house.settings, None) == [], "twice is once"


def test_a_conversation_goes_when_nothing_has_reached_it_for_too_long(house: House) -> None:
    """The two days of the world are made three months old; one conversation of them was heard of again today."""
    settings = house.settings
    neighbour = house.conversations[next(iter(house.conversations))]
    user = sorted(set(house.conversations.values()))[3]
    alive = f"conv-{user[7:10]}-0"
    late = world.thumb(0, user, user) | {"conversation_id": alive, "event_id": "today-1", "value": "down"}
    world.ingest([world.write(settings.home.parent / "outside" / f"late_{TODAY}.jsonl", [late])], world.LESSON, settings)
    with lake.connect(settings) as con:
        con.execute("update ingest.batches set day = $old where number <= 2", {"old": TODAY - timedelta(days=91)})
        for table in ("quarantine", "feedback"):
            con.execute(f"update ingest.{table} set day = $old where arrived < 3000000000", {"old": TODAY - timedelta(days=91)})
    assert erase.due(settings, 95) == []
    (receipt,) = erase.due(settings, 90)
    assert receipt["what"] == "age" and receipt["reason"] == "older than 90 days"
    with lake.connect(settings) as con:
        left = {c for (c,) in con.execute("select conversation_id from ingest.conversations").fetchall()}
        refused = con.execute("select count(*) from ingest.quarantine").fetchone()
    assert left == {alive} and refused == (0,)
    assert f"aunt number {neighbour[7:10]} ".encode() not in b"".join(world.contents(settings.home).values())
    assert service.taints(settings) == {}, "an age limit is no wrong that was done: nothing is tainted"
    assert erase.due(settings, 90) == []
