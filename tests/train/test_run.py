"""One mix goes in, one sealed model comes out: what it holds, and that twice is once."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import lineage, recipe, service, weights
from pipeline.errors import BadInput
from pipeline.recipe import Recipe, Training
from pipeline.settings import Settings
from pipeline.train import run
from tests.train import lessons

Trained = tuple[Settings, dict[str, Any]]


def losses_of(place: Settings, id: str) -> list[dict]:
    import pyarrow.parquet as pq

    return pq.read_table(lineage.folder(place, id) / "losses.parquet").to_pylist()


def adapter_of(place: Settings, id: str) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(lineage.folder(place, id) / "adapter" / "adapter_model.safetensors")


def test_the_model_is_sealed_with_its_facts(trained: Trained) -> None:
    place, done = trained
    sealed = lineage.require(place, done["id"], "model")
    assert sealed["start"] == "origin" and sealed["origin_sha"] == service.origin_sha(place)
    assert sealed["method"] == done["method"] == "sft+dpo"
    assert sealed["peak_mb"] > 50 and sealed["seconds"] > 0
    assert {"adapter/adapter_config.json", "adapter/adapter_model.safetensors", "plan.yaml", "losses.parquet", "train.log"} == set(
        sealed["files"]
    )


def test_no_artefact_is_a_pickle_and_none_names_the_machine(trained: Trained) -> None:
    place, done = trained
    config = json.loads((lineage.folder(place, done["id"]) / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "origin"
    assert str(place.home) not in json.dumps(config)


def test_the_loss_of_every_task_falls_and_is_counted_in_tokens(trained: Trained) -> None:
    place, done = trained
    sealed = lineage.manifest(place, done["id"])
    assert set(done["loss"]) == {"person", "intent"}
    for task, end in sealed["loss"].items():
        assert end["final"] < end["initial"], task
        assert done["loss"][task] == end["final"]
    records = losses_of(place, done["id"])
    assert sealed["trained_tokens"] == sum(r["tokens"] for r in records)
    from pipeline.train import tokens

    encoder = tokens.Encoder.of(service.origin(place), 256)
    rows = [(tokens.answer(r, encoder, "last"), r) for r in lessons.standard()]
    for task in ("person", "intent"):
        trained_on = {
            p: sum(sum(x != tokens.IGNORED for x in row["labels"]) for row, r in rows if (r["task"], r["phase"]) == (task, p))
            for p in ("main", "key")
        }
        told = sum(r["tokens"] for r in records if r["task"] == task and r["phase"] in ("main", "key"))
        assert told == 2 * trained_on["main"] + trained_on["key"]  # two epochs of the main phase, one key pass


def test_phases_run_in_order_at_their_own_rates(trained: Trained) -> None:
    place, done = trained
    records = losses_of(place, done["id"])
    assert list(dict.fromkeys(r["phase"] for r in records)) == ["main", "key", "dpo"]
    top = {p: max(r["lr"] for r in records if r["phase"] == p) for p in ("main", "key", "dpo")}
    assert top == pytest.approx({"main": 5e-3, "key": 2e-3, "dpo": 2e-3})


def test_the_plan_says_what_training_found(trained: Trained) -> None:
    place, done = trained
    plan = yaml.safe_load((lineage.folder(place, done["id"]) / "plan.yaml").read_text())
    assert plan["values"]["learning_rate"] == {"value": 5e-3, "why": "the test says so"}
    found = plan["training"]
    assert found["phases"] == {"main": 24, "key": 4, "dpo": 20}
    assert found["truncated"] == 0 and isinstance(found["warnings"], list)
    assert found["preference"]["done"] and found["preference"]["after"] > found["preference"]["before"]


def test_twice_is_once(trained: Trained) -> None:
    place, done = trained
    before = (lineage.folder(place, done["id"]) / "manifest.json").stat().st_mtime_ns
    assert run.run(lineage.manifest(place, done["id"])["parents"][0], Recipe(), place) == done
    assert (lineage.folder(place, done["id"]) / "manifest.json").stat().st_mtime_ns == before
    assert not (place.home / "work" / done["id"]).exists()


def test_the_trained_model_answers_otherwise_than_the_origin(trained: Trained) -> None:
    """Loaded by id through the door that evaluate uses."""
    import torch

    place, done = trained
    found = {}
    for id in ("origin", done["id"]):
        model, words = weights.load(place, id)
        ids = words.apply_chat_template(
            [{"role": "user", "content": "person 1: I live in Tokyo."}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.no_grad():
            found[id] = model(**ids).logits[0, -1]
    wanted = words('{"', add_special_tokens=False).input_ids[0]
    assert found[done["id"]].log_softmax(-1)[wanted] > found["origin"].log_softmax(-1)[wanted] + 0.5


def test_same_seed_same_curve_another_seed_another(place: Settings, tiny: Path, tmp_path: Path) -> None:
    from tests.train.conftest import at

    rows = {"sft": lessons.standard()[:8]}
    done = []
    for home, seed in (("a", 17), ("b", 17), ("c", 18)):
        other = at(tmp_path / home, tiny)
        id = run.run(lessons.mix(other, rows=rows, epochs=1, seed=seed), Recipe(), other)["id"]
        done.append((losses_of(other, id), adapter_of(other, id)))
    assert done[0][0] == done[1][0]
    assert all((done[0][1][k] == v).all() for k, v in done[1][1].items())
    assert done[0][0] != done[2][0]


def test_rows_that_do_not_fit_are_dropped_with_their_reason(place: Settings) -> None:
    long = lessons.sft("person", 1)
    long["messages"] = [lessons.turn("user", "word " * 300), lessons.turn("assistant", "ok")]
    done = run.run(lessons.mix(place, rows={"sft": [*lessons.standard()[:4], long]}, epochs=1), Recipe(), place)
    plan = yaml.safe_load((lineage.folder(place, done["id"]) / "plan.yaml").read_text())
    assert plan["training"]["dropped"] == {"sft": {"longer than max_length 256": 1}}
    assert lineage.manifest(place, done["id"])["counts"] == {"rows": {"main": 4}, "dropped": {"sft": 1}}


def test_a_mix_without_a_usable_row_is_refused_with_the_reason(place: Settings) -> None:
    with pytest.raises(BadInput, match=r"no row is left to train on .*2 longer than max_length 16"):
        run.run(lessons.mix(place, rows={"sft": lessons.standard()[:2]}, max_length=16), Recipe(), place)


def test_full_finetuning_leaves_whole_weights_that_load(place: Settings) -> None:
    done = run.run(
        lessons.mix(place, rows={"sft": lessons.standard()[:8]}, epochs=1, full_finetune=True, learning_rate=1e-3), Recipe(), place
    )
    folder = service.model_folder(place, done["id"])
    assert not weights.is_adapter(folder)
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= {p.name for p in folder.iterdir()}
    model, _ = weights.load(place, done["id"])
    origin, _ = weights.load(place, "origin")
    assert any((a != b).any() for a, b in zip(model.state_dict().values(), origin.state_dict().values(), strict=True))


def serve(place: Settings, model: str) -> None:
    (place.home / "current.json").write_text(json.dumps({"release": "release-20261120-00000000", "model": model}))


@pytest.mark.parametrize("full", [False, True], ids=["adapter", "full weights"])
def test_a_hotfix_continues_the_champion(place: Settings, full: bool) -> None:
    champion = run.run(
        lessons.mix(place, rows={"sft": lessons.standard()[:8]}, epochs=1, full_finetune=full, learning_rate=5e-3), Recipe(), place
    )["id"]
    hotfix = recipe.Recipe(training=Training(start="champion"))
    mix = lessons.mix(place, hotfix.training, rows={"sft": lessons.standard()[:8]}, epochs=1)
    serve(place, champion)
    done = run.run(mix, hotfix, place)
    sealed = lineage.manifest(place, done["id"])
    assert sealed["start"] == champion and sealed["parents"] == [mix, champion]
    assert weights.is_adapter(service.model_folder(place, done["id"])) is not full
    first = {i: losses_of(place, i)[0] for i in (champion, done["id"])}
    assert first[done["id"]]["loss"] < first[champion]["loss"] - 0.01  # it begins where the champion ended
    weights.load(place, done["id"])


def test_a_hotfix_before_the_first_promotion_starts_from_the_origin(place: Settings) -> None:
    hotfix = Training(start="champion")
    done = run.run(lessons.mix(place, hotfix, rows={"sft": lessons.standard()[:4]}, epochs=1), Recipe(training=hotfix), place)
    assert lineage.manifest(place, done["id"])["start"] == "origin"


def test_loss_type_dft_is_another_loss(place: Settings) -> None:
    """DFT weighs a token by its own probability: the gradient, and so the adapter, differ, and the ledger stays in plain nats."""
    ids = [
        run.run(lessons.mix(place, rows={"sft": lessons.standard()[:8]}, epochs=1, loss_type=kind), Recipe(), place)["id"]
        for kind in ("nll", "dft")
    ]
    first = [losses_of(place, i)[0]["loss"] for i in ids]
    assert first[0] == pytest.approx(first[1])
    assert any((a != b).any() for a, b in zip(*(adapter_of(place, i).values() for i in ids), strict=True))


def test_the_ledger_records_the_loss_that_the_model_has(place: Settings) -> None:
    """The first step's loss per task against cross entropy computed by hand: a fresh adapter changes nothing yet."""
    import torch

    from pipeline.train import tokens

    rows = lessons.standard()[:8]
    done = run.run(
        lessons.mix(place, rows={"sft": rows}, epochs=1, batch_size=4, gradient_accumulation=2, lora_dropout=0.0), Recipe(), place
    )
    model, _ = weights.load(place, "origin")
    encoder = tokens.Encoder.of(service.origin(place), 256)
    for record in losses_of(place, done["id"]):
        lost, counted = 0.0, 0
        for row in (tokens.answer(r, encoder, "last") for r in rows if r["task"] == record["task"]):
            with torch.no_grad():
                logits = model(torch.tensor([row["input_ids"]])).logits[0, :-1]
            lost += torch.nn.functional.cross_entropy(logits, torch.tensor(row["labels"][1:]), reduction="sum").item()
            counted += sum(label != tokens.IGNORED for label in row["labels"])
        assert (record["step"], record["tokens"]) == (1, counted)
        assert record["loss"] == pytest.approx(lost / counted, abs=1e-4)
