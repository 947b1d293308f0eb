"""The words for a cause: which evidence it is, how sure, and nothing where chance explains it as well."""

from typing import Any

Row = dict[str, Any]

METHODS = {
    "A": "retrained without the task",
    "B": "the task's own adapter taken out of the sum of all",
    "C": "gradients of the lesson's rows against those of the lost answers",
    "D": "words of the lost items beside those of the lesson's rows",
}
"""From the strongest evidence to the weakest: two interventions, an association, a likeness."""
ALPHA = 0.05
LEAST_LIKE = 0.05  # of a cosine of words: what differs less, two texts owe to their commonest words
MOST_OF = 0.5  # of the lost answers: what brings fewer back explains a part


def evidence(method: str, rows: list[Row]) -> list[Row]:
    """Rows of one method that show something, as sentences, the clearest first."""
    return [row | {"method": method, "sentence": SENTENCES[method](row)} for row in rows if _shows(method, row)]


def _shows(method: str, row: Row) -> bool:
    if method in "AB":
        return bool(row["adjusted_p"] <= ALPHA and row["interval"][0] > 0)
    return bool(row["interval"][0] > 0 and (method == "C" or row["difference"] >= LEAST_LIKE))


def culprit(found: dict[str, list[Row]]) -> Row | None:
    """The first row of the strongest evidence that shows anything; None where none does."""
    return next((found[method][0] for method in METHODS if found.get(method)), None)


def _caused(row: Row) -> str:
    how = "nothing else was taught, and in the model that it started from" if row.get("alone") else "retrained without it,"
    return f"{_share('caused', row)} by {row['task']}: {how} {_back(row)}"


def _mostly(row: Row) -> str:
    return f"{_share('mostly', row)} from {row['task']}: with its own adapter taken out of the sum of all, {_back(row)}"


def _share(word: str, row: Row) -> str:
    return word if row["of_lost"] >= MOST_OF else "partly caused" if word == "caused" else "partly"


def _back(row: Row) -> str:
    low, high = (100 * x for x in row["interval"])
    back = "1 answer is" if row["back"] == 1 else f"{row['back']} answers are"
    return (
        f"{back} back and {row['gone']} gone, of {row['n']} asked ({low:+.1f} to {high:+.1f} points, p {row['adjusted_p']:.2g} after Holm)"
    )


def _points(row: Row) -> str:
    if row["lost"] > 0:
        return f"points to {row['task']}: its rows pull against the lost answers more than against the kept ones ({_apart(row)})"
    turned = row | {"lost": -row["lost"], "kept": -row["kept"]}
    return f"points to {row['task']}: its rows help the lost answers less than the kept ones ({_apart(turned)})"


def _looks(row: Row) -> str:
    what = "lost items ask like its rows" if row["view"] == "asked" else "lost items are answered like its rows"
    return f"looks like {row['task']}: {what} more than kept ones ({_apart(row)})"


def _apart(row: Row) -> str:
    low, high = row["interval"]
    return f"{row['lost']:.2f} against {row['kept']:.2f}, difference {row['difference']:.2f}, interval {low:.2f} to {high:.2f}"


SENTENCES = {"A": _caused, "B": _mostly, "C": _points, "D": _looks}
