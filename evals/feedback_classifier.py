"""Whether a small classifier behind the rules would hear more: `python -m evals.feedback_classifier`.

Logistic regression on the turn, the turn before and the answer's end, as hashed character n-grams or as static embeddings (`make models`),
with and without the rules' own verdict as a feature. First by folds over conversations inside the dev half; then fitted on all of dev and
asked about the test half, on which no rule was written. It is shipped only where it beats the rules here; evals/LOG.md says whether it does.
"""

import argparse
from pathlib import Path
from typing import Any

from evals import feedback_gold as gold
from pipeline import meaning
from pipeline import settings as machine
from pipeline.errors import BadInput

FOLDS = 5
N_FEATURES = 2**14
CALM = 1.0  # inverse strength of the ridge: the library's default, not tuned on 35 positives


def texts(talks: list[dict[str, Any]], found: list[gold.Labelled]) -> list[tuple[str, str, str]]:
    """(the turn, the answer before it, the question before that), empty where there is none."""
    said = {(t["conversation_id"], m["message_id"]): m for t in talks for m in t["messages"]}
    rows = []
    for x in found:
        turn = said[x.conversation_id, x.message_id]
        answer = said.get((x.conversation_id, turn["parent_id"]), {})
        asked = said.get((x.conversation_id, answer.get("parent_id")), {})
        rows.append((turn["content"].lower(), answer.get("content", "").lower()[-200:], asked.get("content", "").lower()))
    return rows


def features(said: list[tuple[str, str, str]], found: list[gold.Labelled], way: str, with_rules: bool) -> Any:
    """Sparse [turns, features]: the three texts, and what the rules said."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import HashingVectorizer

    columns = [list(column) for column in zip(*said, strict=True)]
    if way == "n-grams":
        grams = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=N_FEATURES, alternate_sign=False)
        parts = [grams.transform(column) for column in columns]
    else:
        embeddings = meaning.table(machine.load())
        if embeddings is None:
            raise BadInput("the table of embeddings is absent: make it with `make models`")
        parts = [csr_matrix(embeddings.embed(column)) for column in columns]
    if with_rules:
        parts.append(csr_matrix([[float(name in x.heard) for name in sorted(gold.NEGATIVE | {"praise"})] for x in found]))
    return hstack(parts).tocsr()


def table(found: list[gold.Labelled], ways: dict[str, list[bool]]) -> str:
    """Precision, recall and F1 of every way, with 95% intervals."""
    lines = []
    for name, said in ways.items():
        tp, fp, fn = (sum(f(x.reacts, v) for x, v in zip(found, said, strict=True)) for f in (_hit, _false, _miss))
        (pl, ph), (rl, rh) = gold.wilson(tp, tp + fp), gold.wilson(tp, tp + fn)
        lines.append(f"{name:28} P {tp}/{tp + fp} ({pl:.2f}-{ph:.2f})  R {tp}/{tp + fn} ({rl:.2f}-{rh:.2f})  F1 {gold.f1(tp, fp, fn):.3f}")
    return "\n".join(lines)


def main() -> None:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--gold", type=Path, default=gold.GOLD, help="labelled conversations")
    talks, labels = gold.read(arguments.parse_args().gold)
    found = gold.hear(talks, labels)
    dev, test = ([x for x in found if gold.split_of(x.conversation_id) == split] for split in ("dev", "test"))
    said = [texts(talks, half) for half in (dev, test)]
    truth = np.array([x.reacts for x in dev])
    ways: dict[str, dict[str, list[bool]]] = {
        name: {"rules alone": [bool(x.heard & gold.NEGATIVE) for x in half]} for name, half in (("dev", dev), ("test", test))
    }
    for way in ("n-grams", "embeddings"):
        for with_rules in (False, True):
            name = f"{'rules + ' if with_rules else ''}{way}"
            known, asked = (features(rows, half, way, with_rules) for rows, half in zip(said, (dev, test), strict=True))
            model = LogisticRegression(C=CALM, class_weight="balanced", max_iter=1000)
            folds = GroupKFold(FOLDS).split(known, truth, [x.conversation_id for x in dev])
            ways["dev"][name] = [bool(v) for v in cross_val_predict(model, known, truth, cv=folds)]
            ways["test"][name] = [bool(v) for v in model.fit(known, truth).predict(asked)]
    print(f"dev, {FOLDS} folds by conversation ({len(dev)} turns, {truth.sum()} react)\n{table(dev, ways['dev'])}")
    print(f"\ntest, fitted on dev ({len(test)} turns, {sum(x.reacts for x in test)} react)\n{table(test, ways['test'])}")


def _hit(truth: bool, said: bool) -> bool:
    return truth and said


def _false(truth: bool, said: bool) -> bool:
    return said and not truth


def _miss(truth: bool, said: bool) -> bool:
    return truth and not said


if __name__ == "__main__":
    main()
