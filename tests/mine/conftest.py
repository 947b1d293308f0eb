"""A judge that knows one complaint and its answer, behind real HTTP."""

from collections.abc import Iterator

import pytest

from tests.mine.judges import WRONG, Endpoint, Knowing, endpoint


@pytest.fixture
def mind() -> Knowing:
    return Knowing(classes={WRONG: "correction"}, rewrites={WRONG: "The sky is blue."})


@pytest.fixture
def here(mind: Knowing) -> Iterator[Endpoint]:
    with endpoint(mind) as found:
        yield found
