"""The planted world of the demo: what people write, and the answer that they wish for. The truth behind every simulated vote.

Two wishes. `person_json`: a person's name, age and city out of free text into JSON, written plainly, colloquially or in
fragments. `ticket_queue`: the queue that a support ticket belongs to, in one word.
"""

import json
import random
from dataclasses import dataclass

FIRST = [
    "Anna",
    "Bruno",
    "Clara",
    "David",
    "Elena",
    "Farid",
    "Grace",
    "Hugo",
    "Irene",
    "Jonas",
    "Karin",
    "Leo",
    "Mira",
    "Nils",
    "Olga",
    "Pavel",
    "Quinn",
    "Rosa",
    "Sami",
    "Tara",
    "Uwe",
    "Vera",
    "Walid",
    "Xenia",
    "Yusuf",
    "Zoe",
]
LAST = [
    "Abel",
    "Bauer",
    "Costa",
    "Dahl",
    "Evans",
    "Fischer",
    "Grant",
    "Holm",
    "Ito",
    "Jensen",
    "Kumar",
    "Lopez",
    "Meyer",
    "Novak",
    "Okoye",
    "Parker",
    "Quist",
    "Rossi",
    "Silva",
    "Tanaka",
    "Ueda",
    "Vogel",
    "Wolf",
    "Young",
]
CITY = [
    "Leeds",
    "Porto",
    "Turin",
    "Bergen",
    "Graz",
    "Lyon",
    "Malaga",
    "Utrecht",
    "Gdansk",
    "Cork",
    "Basel",
    "Ghent",
    "Tampere",
    "Zadar",
    "Izmir",
    "Quito",
    "Hanoi",
    "Perth",
    "Accra",
    "Osaka",
]

PLAIN = (
    "{name} is {age} years old and lives in {city}.",
    "My colleague {name}, aged {age}, moved to {city} last spring.",
    "{name} from {city} turned {age} on Monday.",
    "The new tenant is called {name}, is {age} and comes from {city}.",
)
COLLOQUIAL = (
    "so my mate {name}, {age} now, is still hanging around in {city}",
    "you know {name}? {city} born and bred, just hit {age}",
    "{name}'s {age} already!! been in {city} for ages",
    "ran into {name} in {city}, can't believe they're {age}",
)
FRAGMENT = ("{name}, {age}, {city}", "{city} / {name} / {age}", "{age} - {name} - {city}", "name {name} age {age} city {city}")
STYLES = {"plain": PLAIN, "colloquial": COLLOQUIAL, "fragment": FRAGMENT}

QUEUES = {
    "delivery": (
        "my parcel never came",
        "the courier left it in the rain",
        "tracking has not moved for a week",
        "the box arrived empty",
        "it went to the wrong street",
    ),
    "billing": (
        "I was charged twice",
        "the invoice shows the wrong amount",
        "my refund is missing",
        "the coupon was not applied",
        "the card was billed in dollars",
    ),
    "product": (
        "the app crashes on start",
        "the screen stays black",
        "it will not connect to wifi",
        "the update never finishes",
        "the sound is distorted",
    ),
    "account": (
        "I cannot log in",
        "please change my e-mail",
        "my account was locked",
        "I want to delete my profile",
        "the password link is dead",
    ),
}
OPENINGS = (
    "hello,",
    "hi there,",
    "good morning,",
    "help!",
    "second time I write:",
    "quick one:",
    "sorry to bother you,",
    "urgent:",
    "hey,",
    "dear team,",
)
CLOSINGS = ("", "please help", "since {day}", "any idea?", "this is order {number}", "thanks", "I am in {city}", "what now?")
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@dataclass(frozen=True)
class Wish:
    """One thing that a user asks, and the one answer that makes them happy."""

    task: str
    style: str
    system: str
    prompt: str
    gold: str

    def granted(self, answer: str) -> bool:
        """Whether an answer is what the user wished for: the same JSON, or the same word, and nothing around it."""
        if self.task != "person_json":
            return answer.strip().lower() == self.gold
        try:
            return json.loads(answer) == json.loads(self.gold)
        except ValueError:
            return False


def person(rng: random.Random, style: str | None = None) -> Wish:
    style = style or rng.choice(sorted(STYLES))
    facts = {"name": f"{rng.choice(FIRST)} {rng.choice(LAST)}", "age": rng.randint(18, 89), "city": rng.choice(CITY)}
    text = rng.choice(STYLES[style]).format(**facts)
    return Wish("person_json", style, "Reply with JSON.", f"Name, age, city: {text}", json.dumps(facts))


def ticket(rng: random.Random) -> Wish:
    queue = rng.choice(sorted(QUEUES))
    closing = rng.choice(CLOSINGS).format(day=rng.choice(DAYS), number=rng.randint(1000, 9999), city=rng.choice(CITY))
    text = " ".join(filter(None, (rng.choice(OPENINGS), rng.choice(QUEUES[queue]), closing)))
    return Wish("ticket_queue", "ticket", "Reply with the queue.", f"Queue for this ticket: {text}", queue)


MAKERS = {"person_json": person, "ticket_queue": ticket}


def wishes(task: str, count: int, seed: int, absent: frozenset[str] = frozenset()) -> list[Wish]:
    """`count` wishes with different prompts, none of them among `absent`."""
    rng = random.Random(f"{task}-{seed}")  # a text seed gives the same draw on every machine and Python version
    found: dict[str, Wish] = {}
    while len(found) < count:
        wish = MAKERS[task](rng)
        if wish.prompt not in absent:
            found.setdefault(wish.prompt, wish)
    return list(found.values())
