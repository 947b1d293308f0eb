"""The gate's exact tests and adjusted p values against statsmodels, which nobody here wrote; skipped where it is not installed."""

import pytest

pytest.importorskip("statsmodels", reason="statsmodels is a check of developers' machines: pip install statsmodels")
import numpy as np
from statsmodels.stats.contingency_tables import mcnemar as theirs
from statsmodels.stats.multitest import multipletests

from pipeline.gate.multiplicity import benjamini_hochberg, holm
from pipeline.gate.paired import mcnemar


@pytest.mark.parametrize(("lost", "gained"), [(5, 0), (10, 4), (20, 10), (30, 10), (60, 40), (675, 593)])
def test_the_one_sided_p_is_half_of_statsmodels_two_sided_one(lost, gained):
    found = theirs([[1000, lost], [gained, 500]], exact=True).pvalue
    assert 2 * mcnemar(lost, gained) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize(("method", "ours"), [("holm", holm), ("fdr_bh", benjamini_hochberg)])
def test_adjusted_p_values_are_statsmodels(method, ours):
    p = np.random.default_rng(1).uniform(0, 0.2, 40)
    found = ours({str(i): float(x) for i, x in enumerate(p)})
    assert list(found.values()) == pytest.approx(multipletests(p, method=method)[1].tolist(), rel=1e-12)
