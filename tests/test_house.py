"""The rules of the house, each kept by a tool or by a test here; and each fence is shown to break when it is crossed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import INPUTS, STAGES
from pipeline.__main__ import ABOUT
from pipeline.commands import COMMANDS

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
HEAVY = {"torch", "transformers", "trl", "peft", "deepspeed", "lm_eval", "sentence_transformers"}
TORCH_FREE = [s for s in STAGES if s not in ("train", "evaluate")]


def tool(name: str, *args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / name), *args], cwd=cwd, capture_output=True, text=True, check=False)


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def test_every_stage_has_a_room_a_command_and_an_input() -> None:
    assert set(ABOUT) == set(STAGES) and len(STAGES) == 8
    assert {*INPUTS, "ingest"} == set(STAGES)
    for stage in STAGES:
        assert (ROOT / "pipeline" / stage / "run.py").is_file(), stage
        assert list((ROOT / "tests" / stage).glob("test_*.py")), f"tests/{stage} is empty"


def test_every_command_has_its_module() -> None:
    assert COMMANDS
    for name, command in COMMANDS.items():
        module = ROOT / Path(*command.module.split(".")).with_suffix(".py")
        assert module.is_file(), f"{name}: {module} is missing"
        assert "def command(" in module.read_text(encoding="utf-8"), f"{module} has no command()"


def test_every_room_file_opens_with_a_sentence() -> None:
    for path in sources("pipeline") + sources("dags"):
        text = path.read_text(encoding="utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{path} has no opening sentence"


def test_no_file_is_longer_than_300_lines() -> None:
    long = {p.name: n for p in sources("pipeline") + sources("dags") if (n := len(p.read_text(encoding="utf-8").splitlines())) > 300}
    assert not long


def test_only_settings_reads_the_environment() -> None:
    users = [
        p for p in sources("pipeline") if "os.environ" in p.read_text(encoding="utf-8") or "os.getenv" in p.read_text(encoding="utf-8")
    ]
    assert [p.name for p in users] == ["settings.py"]


def test_only_the_lake_opens_duckdb_on_the_lake_and_reads_sql() -> None:
    readers = [
        p
        for p in sources("pipeline")
        if "ducklake" in p.read_text(encoding="utf-8").lower() and "attach" in p.read_text(encoding="utf-8").lower()
    ]
    assert [p.name for p in readers] == ["lake.py"]


def test_sql_files_hold_no_template_and_say_their_grain_or_sentence() -> None:
    files = sorted((ROOT / "sql").rglob("*.sql"))
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "{{" not in text and "%s" not in text, path
        assert text.startswith("--"), f"{path} opens with no comment"


@pytest.mark.parametrize("stage", TORCH_FREE)
def test_cpu_stages_never_load_the_trainer(stage: str) -> None:
    probe = f"import sys, pipeline.{stage}.run; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr[-500:]


def test_help_and_import_load_nothing_heavy() -> None:
    probe = "import sys, pipeline.__main__ as m; m.parser(); print(sorted({'torch', 'airflow', 'duckdb', 'transformers', 'pyarrow', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr[-500:]


CROSSINGS = {
    "pipeline imports airflow": ("pipeline/mine/crossing.py", "import airflow\n", "ruff"),
    "torch at the top of a module": ("pipeline/mine/crossing.py", "import torch\n", "ruff"),
    "a second reader of the environment": ("pipeline/mine/crossing.py", "import os\n\nhome = os.environ\n", "ruff"),
    "a stage imports another": ("pipeline/mine/crossing.py", "from pipeline.mix import run\n", "lint-imports"),
    "a low layer imports a high one": ("pipeline/recipe.py", "\nfrom pipeline.mine import run\n", "lint-imports"),
}


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_a_fence_breaks_when_it_is_crossed(crossing: str, tmp_path: Path) -> None:
    where, text, name = CROSSINGS[crossing]
    for folder in ("pipeline", "dags"):
        for path in sources(folder):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    args = ["check", where] if name == "ruff" else ["--no-cache"]
    assert tool(name, *args, cwd=tmp_path).returncode == 0 or name == "ruff"
    target = tmp_path / where
    target.write_text((target.read_text(encoding="utf-8") if target.exists() else "") + text, encoding="utf-8")
    done = tool(name, *args, cwd=tmp_path)
    assert done.returncode != 0, done.stdout
