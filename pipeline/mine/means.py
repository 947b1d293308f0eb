"""k-means over vectors of length 1: which texts are worth comparing, where comparing all of them would cost too much."""

from pipeline.ngrams import Array

EACH = 1000  # texts of a cluster, about: comparing a cluster costs its square, finding the clusters their number
SAMPLE = 64  # texts of each cluster that the centres are learnt from: more move them little (faiss takes 256)
ROUNDS = 12
SEED = 20_211


def clusters(vectors: Array) -> Array:
    """The number of each vector's cluster; one cluster for all where they are few."""
    import numpy as np

    count = -(-len(vectors) // EACH)
    if count <= 1:
        return np.zeros(len(vectors), np.int64)
    draw = np.random.default_rng(SEED)
    some = vectors[np.sort(draw.choice(len(vectors), min(len(vectors), SAMPLE * count), replace=False))]
    centres = _spread(some, count, draw)
    for _ in range(ROUNDS):
        nearest = (some @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, some)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return (vectors @ centres.T).argmax(axis=1)


def _spread(some: Array, count: int, draw: Array) -> Array:
    """First centres far from one another: of a few drawn by squared distance, the one that leaves least (greedy k-means++, Arthur 2007)."""
    import numpy as np

    def far_from(place: int) -> Array:
        return np.maximum(2 - 2 * some @ some[place], 0.0).astype(np.float64)

    chosen = [int(draw.integers(len(some)))]
    far = far_from(chosen[0])
    for _ in range(count - 1):
        odds = far / far.sum() if far.sum() > 0 else None
        tried = draw.choice(len(some), 2 + int(np.log(count)), p=odds).tolist()
        left = {place: np.minimum(far, far_from(place)) for place in tried}
        chosen.append(min(left, key=lambda place: float(left[place].sum())))
        far = left[chosen[-1]]
    return some[chosen].copy()
