"""A lock of a compilation that was killed goes; one that somebody holds stays."""

from pathlib import Path

import pytest
from torch.utils.file_baton import FileBaton

from pipeline.train import compiled, fit
from pipeline.train.phase import Phase


def test_a_lock_goes_once_nobody_holds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "py311_cpu" / "shm_comm"
    place.mkdir(parents=True)
    baton = FileBaton(str(place / "lock"))
    assert baton.try_acquire()
    assert compiled.unlock(tmp_path) == [] and (place / "lock").exists()
    baton.release()
    (place / "lock").touch()  # what a kill leaves
    assert not FileBaton(str(place / "lock")).try_acquire()
    assert compiled.unlock(tmp_path) == [place / "lock"]
    assert f"{place / 'lock'}: left by a compilation that was killed" in capsys.readouterr().err
    assert FileBaton(str(place / "lock")).try_acquire()


def test_where_nothing_was_compiled_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert compiled.unlock(tmp_path / "never") == []


def test_a_training_by_deepspeed_looks_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    assert compiled.folder() == tmp_path
    (tmp_path / "lock").touch()
    monkeypatch.setattr(fit.subprocess, "run", _started)
    phase = Phase("main", tmp_path, tmp_path, tmp_path, None, {"deepspeed": "zero2"})
    with pytest.raises(KeyboardInterrupt):
        fit.launch(phase, 2)
    assert not (tmp_path / "lock").exists()


def _started(*args: object, **options: object) -> None:
    raise KeyboardInterrupt
