"""Whether a small classifier behind the rules would hear more: cross-validated inside the dev half, `python -m evals.feedback_classifier`.

Logistic regression on hashed character n-grams of the turn, of the turn before and of the answer's end, with and without the rules' own verdict
as a feature. Folds are drawn by conversation. It is shipped only where it beats the rules here; evals/LOG.md says whether it does.
"""

import argparse
from pathlib import Path
from typing import Any

from evals import feedback_gold as gold

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


def verdicts(rows: list[tuple[str, str, str]], found: list[gold.Labelled], with_rules: bool) -> list[bool]:
    """Out-of-fold verdicts of the classifier."""
    import numpy as np
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    grams = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=N_FEATURES, alternate_sign=False)
    parts = [grams.transform([r[i] for r in rows]) for i in range(3)]
    if with_rules:
        parts.append(csr_matrix([[float(name in x.heard) for name in sorted(gold.NEGATIVE | {"praise"})] for x in found]))
    truth = np.array([x.reacts for x in found])
    model = LogisticRegression(C=CALM, class_weight="balanced", max_iter=1000)
    folds = GroupKFold(FOLDS).split(rows, truth, [x.conversation_id for x in found])
    return [bool(v) for v in cross_val_predict(model, hstack(parts).tocsr(), truth, cv=folds)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--gold", type=Path, default=gold.GOLD, help="labelled conversations")
    talks, labels = gold.read(arguments.parse_args().gold)
    talks = [t for t in talks if gold.split_of(t["conversation_id"]) == "dev"]
    found = gold.hear(talks, [x for x in labels if gold.split_of(x.conversation_id) == "dev"])
    rows = texts(talks, found)
    alone = [bool(x.heard & gold.NEGATIVE) for x in found]
    ways = {"rules alone": alone, "classifier alone": verdicts(rows, found, False), "rules + classifier": verdicts(rows, found, True)}
    for name, said in ways.items():
        tp, fp, fn = (sum(f(x.reacts, v) for x, v in zip(found, said, strict=True)) for f in (_hit, _false, _miss))
        (pl, ph), (rl, rh) = gold.wilson(tp, tp + fp), gold.wilson(tp, tp + fn)
        print(f"{name:20} P {tp}/{tp + fp} ({pl:.2f}-{ph:.2f})  R {tp}/{tp + fn} ({rl:.2f}-{rh:.2f})  F1 {gold.f1(tp, fp, fn):.3f}")


def _hit(truth: bool, said: bool) -> bool:
    return truth and said


def _false(truth: bool, said: bool) -> bool:
    return said and not truth


def _miss(truth: bool, said: bool) -> bool:
    return truth and not said


if __name__ == "__main__":
    main()
