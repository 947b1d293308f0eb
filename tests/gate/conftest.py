"""What the tests of the gate share."""

import pytest

from pipeline.commands.compare import compare
from tests.gate.outputs import output


@pytest.fixture
def both(tmp_path, home):
    """Compare two sets of tasks, written to folders a and b; keywords ending in _a or _b bend one side."""

    def run(a, b, *, options=None, **bent):
        for side, tasks in (("a", a), ("b", b)):
            output(tmp_path / side, tasks, **{k[:-2]: v for k, v in bent.items() if k.endswith(f"_{side}")})
        return compare(str(tmp_path / "a"), str(tmp_path / "b"), home, **(options or {}))

    return run
