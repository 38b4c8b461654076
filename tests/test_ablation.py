import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import exit_message
from tiny_runs import load_fer2013_once, read_json

from training import ablation, train
from training.ablation import list_variants, parse_variant, stop_early
from training.publishing import records
from training.publishing.plots import plot_ablation
from training.publishing.report import SECTIONS

ABLATIONS = sorted(Path(ablation.__file__).with_name("ablations").glob("*.yaml"))
TINY = ["--samples_per_class", "4", "--num_train_epochs", "2", "--disable_tqdm", "true"]
SMALL = {
    "recipe": "dense.report",
    "common": {"protocol": "official", "per_device_train_batch_size": 16},
    "early_stopping_patience": 1,
    "techniques": {"weight decay": {"weight_decay": 0.5}, "label smoothing": {"label_smoothing_factor": 0.1}},
}
ROWS = ["none", "early stopping", "weight decay", "label smoothing", "together", "together, early stopping"]


def test_variants_are_none_each_and_all() -> None:
    for techniques, together in (
        ({}, {}),
        ({"a": {"weight_decay": 0.1}, "b": {"ema_decay": 0.9}}, {"weight_decay": 0.1, "ema_decay": 0.9}),
        (
            {"a": {"config_overrides": {"batch_norm": True}}, "b": {"config_overrides": {"num_pools": 3}}},
            {"config_overrides": {"batch_norm": True, "num_pools": 3}},
        ),
    ):
        settings = {"techniques": techniques}
        assert list_variants(settings) == {"none": {}, **techniques, "together": together}
        assert list_variants(settings | {"together": False}) == {"none": {}, **techniques}


def test_two_techniques_that_set_one_field_are_refused() -> None:
    first = {"weight_decay": 0.1, "config_overrides": {"batch_norm": True}}
    for fields in ({"weight_decay": 0.2}, {"config_overrides": {"batch_norm": False}}):
        with pytest.raises(ValueError, match="b: another technique sets"):
            list_variants({"techniques": {"a": first, "b": fields}})
        list_variants({"techniques": {"a": first, "b": fields}, "together": False})


@pytest.mark.parametrize("path", ABLATIONS, ids=lambda path: path.stem)
def test_every_variant_of_the_settings_is_a_recipe_that_differs_from_the_others(path: Path) -> None:
    settings = yaml.safe_load(path.read_text())
    variants = list_variants(settings).values()
    seen = [train.resolve(*parse_variant(settings, fields, ["--output_dir", "run"])) for fields in variants]
    assert all(one not in seen[:index] for index, one in enumerate(seen))


def test_runs_are_trained_once_and_tabulated(
    made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "load_fer2013", load_fer2013_once)
    settings, output, runs = tmp_path / "settings.yaml", tmp_path / "ablation.dense.json", tmp_path / "runs"
    settings.write_text(yaml.safe_dump(SMALL, sort_keys=False))
    argv = [str(settings), "--output", str(output), "--runs", str(runs), "--seeds", "3"]
    argv += ["--data", str(made_up_parquet), *TINY]
    ablation.main(argv)
    written = json.loads(output.read_text())
    assert {field: written[field] for field in SMALL} == SMALL
    rows = {row["technique"]: row for row in written["rows"]}
    assert list(rows) == ROWS
    history = read_json(runs / "none" / "seed-3" / "history.json")
    best = max(history, key=lambda row: row["validation_accuracy"])
    assert rows["none"]["validation"] == history[-1]["validation_accuracy"]
    assert (rows["early stopping"]["kept_epoch"], rows["early stopping"]["validation"]) == (
        best["epoch"],
        best["validation_accuracy"],
    )
    assert rows["none"]["kept_epoch"] == rows["none"]["epochs"] == 2
    assert all(row["seed"] == 3 and row["n"] == 28 and row["commit"] for row in rows.values())

    shutil.rmtree(runs)  # another machine has none, and need not train them again
    ablation.main(argv)
    assert not runs.exists()
    assert json.loads(output.read_text()) == written
    settings.write_text(yaml.safe_dump(SMALL | {"early_stopping_patience": 2}, sort_keys=False))
    assert ablation.read_rows(output, yaml.safe_load(settings.read_text())) == [], "other settings, other figures"

    monkeypatch.setattr(records, "RESULTS_DIR", tmp_path)
    table = SECTIONS["ablation"]()
    assert re.search(r"^\| weight decay \| 3 \| 2 of 2 \| \d+\.\d% ", table, re.MULTILINE)
    assert "n = 28." in table
    assert SECTIONS["ablation-transfer"]() == "Not measured yet."


def test_rows_of_a_trial_are_not_mixed_with_those_that_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ablation, "run_ablation", lambda settings, seeds, runs_dir, *_: [[{"runs": str(runs_dir)}]])
    (tmp_path / "dense.yaml").write_text(yaml.safe_dump(SMALL))
    published, trial = "runs/ablation/dense", "runs/ablation/dense.trial"
    for index, (overrides, folder, file) in enumerate(
        [
            ([], published, "ablation.dense.json"),
            (["--disable_tqdm", "true", "--data=elsewhere"], published, "ablation.dense.json"),  # say where, not what
            (["--samples_per_class", "4"], trial, None),
        ]
    ):
        results = tmp_path / f"results-{index}"
        monkeypatch.setattr(ablation, "RESULTS_DIR", results)
        ablation.main(["dense.yaml", *overrides])
        path = results / file if file else tmp_path / trial / "rows.json"
        assert read_json(path)["rows"] == [{"runs": folder}]
        assert results.exists() == bool(file)


def test_a_file_with_something_else_is_not_overwritten(tmp_path: Path) -> None:
    settings, output = tmp_path / "settings.yaml", tmp_path / "cost.json"
    settings.write_text(yaml.safe_dump(SMALL))
    output.write_text('{"models": []}')
    message = exit_message(ablation.main, settings, "--output", output)
    assert "cost.json holds something else than an ablation. Choose another --output" in message
    assert output.read_text() == '{"models": []}'
    settings.write_text(yaml.safe_dump(SMALL | {"techniques": {"a": {"weight": 1}}}))
    assert "weight" in exit_message(ablation.main, settings, "--output", tmp_path / "new.json")


def test_early_stopping_cuts_a_run_short() -> None:
    for patience, threshold, accuracies, epochs in (
        (1, 0.0, [0.5], 1),
        (1, 0.0, [0.5, 0.6, 0.6, 0.9], 3),  # as much again is no gain
        (2, 0.0, [0.5, 0.4, 0.6, 0.5, 0.7], 5),  # a gain starts the count anew
        (2, 0.05, [0.5, 0.54, 0.58, 0.9], 3),  # too little, against the best and not the last
        (2, 0.05, [0.5, 0.54, 0.6, 0.9], 4),
    ):
        history = [{"epoch": index + 1, "validation_accuracy": one} for index, one in enumerate(accuracies)]
        assert stop_early(history, patience, threshold) == history[:epochs]


def test_figure_has_a_dot_for_each_run_and_the_means() -> None:
    rows = [
        {"technique": technique, "seed": seed, "validation": validation + seed / 100, "n": 3589}
        for technique, validation in (("none", 0.5), ("dropout", 0.6))
        for seed in (0, 1)
    ]
    (axes,) = plot_ablation(rows, "title").axes
    dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
    assert [[round(x) for x in line.get_xdata()] for line in dots] == [[50, 51], [60, 61]]
    assert [text.get_text() for text in axes.texts] == ["50.5", "60.5"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["none", "dropout"]
