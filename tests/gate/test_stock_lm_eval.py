"""`equipoise compare` reads what the stock `lm_eval` command writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.commands.compare import compare

pytestmark = pytest.mark.slow  # runs the stock lm_eval command

TASK = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
doc_to_text: "{{{{q}}}}"
"""
CHOICE = """
output_type: multiple_choice
doc_to_choice: ["yes", "no", "maybe"]
doc_to_target: a
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
"""
GENERATED = r"""
output_type: generate_until
doc_to_target: "{{a}}"
generation_kwargs: {until: ["\n"], max_gen_toks: 4}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
filter_list:
  - name: strict-match
    filter: [{function: regex, regex_pattern: "#### ([0-9]+)"}, {function: take_first}]
  - name: flexible-extract
    filter: [{function: regex, group_select: -1, regex_pattern: "([a-z]+)"}, {function: take_first}]
"""
TWICE = """
import sys
from lm_eval.__main__ import cli_evaluate
tasks, *outputs = sys.argv[1:]
for seed, output in enumerate(outputs):
    words = ["run", "--model", "dummy", "--tasks", "toys,alone", "--include_path", tasks, "--output_path", output, "--log_samples"]
    sys.argv = ["lm_eval", *words, "--seed", f"{seed},1234,1234,1234"]
    cli_evaluate()
"""
ITEMS, COPIES = 160, 3


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """Two runs of `lm_eval run --model dummy` with samples; the dummy's answers are drawn from the seed."""
    pytest.importorskip("lm_eval")
    folder = tmp_path_factory.mktemp("stock")
    docs = [{"q": f"Question {max(i, COPIES)}?", "a": max(i, COPIES) % 3} for i in range(ITEMS)]
    (folder / "docs.jsonl").write_text("".join(json.dumps(d) + "\n" for d in docs))
    tasks = folder / "tasks"
    tasks.mkdir()
    for name, kind in (("toy_choice", CHOICE), ("toy_words", GENERATED), ("alone", CHOICE)):
        (tasks / f"{name}.yaml").write_text(TASK.format(name=name, file=folder / "docs.jsonl") + kind)
    (tasks / "toys.yaml").write_text("group: toys\ntask: [toy_choice, toy_words]\n")
    outputs = [str(folder / "a"), str(folder / "b")]
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    words = [sys.executable, "-c", TWICE, str(tasks), *outputs]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder, env=offline)
    assert done.returncode == 0, done.stderr[-2000:]
    return outputs


def test_two_stock_runs_are_paired_item_by_item(stock, home):
    found = compare(*stock, home)
    assert {name: row["n"] for name, row in found["abilities"].items()} == {"toys": 2 * ITEMS, "alone": ITEMS}
    assert found["unpaired"] == {"only_a": 0, "only_b": 0}
    assert found["abilities"]["alone"]["lost"] > 10  # two dice agree on a third of the items only
    assert found["abilities"]["alone"]["gained"] > 10
    assert found["verdict"] in ("hold", "block")


def test_counts_are_those_of_the_raw_lines(stock, home, tmp_path):
    (tmp_path / "abilities.yaml").write_text("alone: [alone]\n")
    row = compare(*stock, home, abilities_file=str(tmp_path / "abilities.yaml"))["abilities"]["alone"]
    a, b = ([json.loads(line)["acc"] for line in next(_folder(where).glob("samples_alone_*")).open()] for where in stock)
    assert row["lost"] == sum(x > y for x, y in zip(a, b, strict=True))
    assert row["gained"] == sum(x < y for x, y in zip(a, b, strict=True))


def _folder(where):
    return next(Path(where).iterdir())


def test_a_stock_run_against_itself_promotes(stock, home, capsys):
    assert main(["compare", stock[0], stock[0], "--exit-code"]) == 0
    assert "PROMOTE" in capsys.readouterr().out
