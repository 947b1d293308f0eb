"""Does the probe of facts tell what the origin knows from what nobody told it? `python -m evals.known_facts`.

Forty questions of general knowledge, as many about things that do not exist. The first are not all known to a small model, so their share is
what the model knows; the share of the others that passes is the probe's error.
"""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline import settings as machine
from pipeline.evaluate import facts
from pipeline.evaluate.facts import Fact
from pipeline.evaluate.reading import Reader
from pipeline.recipe import Evaluation
from pipeline.sieve import KNOWN

CAPITALS = (
    "Japan Tokyo, France Paris, Italy Rome, Germany Berlin, Spain Madrid, Egypt Cairo, Russia Moscow, China Beijing, Greece Athens, "
    "Portugal Lisbon, Austria Vienna, Sweden Stockholm, Norway Oslo, Ireland Dublin, Poland Warsaw, Cuba Havana, Kenya Nairobi, Iraq Baghdad, "
    "Iran Tehran, Hungary Budapest"
)
MORE = (
    "Who wrote Hamlet?=William Shakespeare; What is the chemical symbol of gold?=Au; Which planet is closest to the sun?=Mercury; "
    "What is the largest ocean?=The Pacific Ocean; How many days are in a leap year?=366; Who painted the Mona Lisa?=Leonardo da Vinci; "
    "What gas do plants take in?=Carbon dioxide; What is the largest mammal?=The blue whale; How many legs does a spider have?=Eight; "
    "Which metal is liquid at room temperature?=Mercury; Who discovered penicillin?=Alexander Fleming; What is the hardest natural substance?=Diamond; "
    "Which organ pumps blood?=The heart; What is the largest planet?=Jupiter; In which year did the Second World War end?=1945; "
    "Who was the first president of the United States?=George Washington; What is the boiling point of water in Celsius?=100 degrees; "
    "Which language is spoken in Brazil?=Portuguese; What is the currency of Japan?=The yen; How many continents are there?=Seven"
)


def real() -> list[tuple[str, str]]:
    capitals = [pair.split() for pair in CAPITALS.split(", ")]
    more = [pair.split("=") for pair in MORE.split("; ")]
    return [(f"What is the capital of {a}?", b) for a, b in capitals] + [(q, a) for q, a in more]


def invented(n: int) -> list[tuple[str, str]]:
    """Places, people and codes that do not exist."""
    draw = random.Random(11)

    def name() -> str:
        return "".join(draw.choice("bdfgklmnprstvz") + draw.choice("aeiou") for _ in range(3)).capitalize()

    forms = (
        lambda: (f"What is the capital of {name()}?", name()),
        lambda: (f"Who wrote the {name()} Papers?", f"{name()} {name()}"),
        lambda: (f"In which year was {name()} Hall built?", str(draw.randint(1500, 2020))),
        lambda: (f"What is the door code of room {name()}?", f"{draw.randint(1000, 9999)}"),
    )
    return [forms[i % len(forms)]() for i in range(n)]


def main() -> int:
    settings = machine.load()
    told = real()
    asked = [*told, *invented(len(told))]
    rows = [Fact(str(n), "facts", ({"role": "user", "content": q},), a) for n, (q, a) in enumerate(asked)]
    with TemporaryDirectory() as folder:
        knows = facts.known(Reader(settings, "origin", Evaluation(), Path(folder)), rows)
    print("| questions | n | known | by ways of four |\n|---|---|---|---|")
    for what, part in (("general knowledge", rows[: len(told)]), ("about what does not exist", rows[len(told) :])):
        ways = [round(4 * knows[f.row]) for f in part]
        known = sum(knows[f.row] >= KNOWN for f in part)
        print(f"| {what} | {len(part)} | {known / len(part):.0%} | {', '.join(f'{n}: {ways.count(n)}' for n in range(5))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
