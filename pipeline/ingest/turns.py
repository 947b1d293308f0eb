"""Who works on the lake when: batches are made beside one another and committed one by one; an erasure and a clean-up work alone.

A batch that is being made has files that no table knows yet, and has read who may not come back. So whoever removes unknown files
or adds to those who may not come back waits until no batch is being made, and no batch begins before it has ended.
"""

import contextlib
from collections.abc import Iterator

from pipeline import lineage
from pipeline.settings import Settings

MAKING, COMMIT = "ingest-making", "ingest"  # always taken in this order


@contextlib.contextmanager
def making(settings: Settings) -> Iterator[None]:
    """For one who reads logs: others may do the same."""
    with lineage.lock(settings, MAKING, shared=True):
        yield


@contextlib.contextmanager
def commit(settings: Settings) -> Iterator[None]:
    """For the moment in which a batch becomes part of the lake: the newest batch stays the newest until this one is."""
    with lineage.lock(settings, COMMIT):
        yield


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """For one who must meet no batch at all, neither half-made nor about to commit."""
    with lineage.lock(settings, MAKING), lineage.lock(settings, COMMIT):
        yield
