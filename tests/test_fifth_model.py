"""A model that the report does not have: everything takes it as soon as its checkpoint is there, and not before."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from made_up_results import make_history, make_results
from photos import portrait_path

import fer_models
from fer_models import FerImageProcessor, zoo
from fer_models.__main__ import main
from fer_models.demo.components.model import render_model
from fer_models.demo.components.models import render_cost, render_report_comparison, render_test_sets
from fer_models.demo.handlers.compare import CompareHandlers, Request
from fer_models.demo.locales import LOCALES
from fer_models.demo.tabs.compare import _explain_others
from fer_models.demo.ui import build_demo
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel, load_models
from fer_models.results import read_checkpoints, read_summary
from training.benchmarks import cost as measure_cost
from training.publishing import push, tables
from training.publishing.model_card import render_card
from training.publishing.report import make_summary

FOUR = ["baseline", "dense", "batchnorm", "batchnorm-dropout"]


@pytest.fixture(scope="module", autouse=True)
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The bundled checkpoints of the report's four, and an untrained `transfer.tuned` with made-up figures."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in FOUR:
        (folder / f"{name}.report").symlink_to(zoo.CHECKPOINTS_DIR / f"{name}.report")
    fifth = folder / "transfer.tuned"
    torch.manual_seed(0)
    zoo.get_entry("transfer").model_class(zoo.get_entry("transfer").make_config(temperature=1.5)).save_pretrained(fifth)
    FerImageProcessor().save_pretrained(fifth)
    results = make_results(0.7, protocol="official", seed=0, config_overrides="{}")
    results["last_epoch"] = {"train_accuracy": 0.8}
    results["robustness"] = json.loads((folder / "baseline.report" / "results.json").read_text())["robustness"]
    results["splits"]["validation"] = results["splits"]["official_validation"]
    for figures in results["splits"].values():
        figures |= {"f1": figures["recall"], "precision": figures["recall"]}
    results["trained_with"] |= {"images": {"train": 28_709}, "seconds": 60}
    results["trained_with"]["versions"]["transformers"] = "9.9"
    (fifth / "results.json").write_text(json.dumps(results))
    (fifth / "history.json").write_text(json.dumps(make_history()))
    (fifth / "recipe.yaml").write_text(yaml.safe_dump({"model": "transfer", "protocol": "official", "seed": 0}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "CHECKPOINTS_DIR", folder)
        yield folder


@pytest.fixture(scope="module")
def five() -> list[LoadedModel]:
    return load_models()


def test_it_is_listed_last_and_loads(five: list[LoadedModel]) -> None:
    assert fer_models.list_models() == [*FOUR, "transfer"] == [model.name for model in five]
    assert (five[-1].tag, five[-1].test_accuracy) == ("tuned", 0.7)
    assert [model.name for model in load_models(tag="report")] == FOUR
    with pytest.raises(ValueError, match="'baseline' is not bundled with the tag 'tuned2'"):
        load_models(tag="tuned2")


def test_page_shows_four_columns_and_the_fifth_when_it_is_ticked(
    five: list[LoadedModel], detector: FaceDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = build_demo(five, detector)
    ticks = next(block for block in demo.blocks.values() if block.elem_id == "compare.models")
    assert [value for _, value in ticks.choices] == [*FOUR, "transfer"]
    assert ticks.value == FOUR
    handlers = CompareHandlers(five, detector)
    answer = handlers.answer(Request(str(portrait_path()), "en", handlers.tags[0], [*FOUR, "transfer"]))
    assert len(re.findall(r'data-winner="\w+"', answer.results)) == 5
    assert answer.shown
    assert handlers.explain(answer.shown, None, "en").count("<img") == 5
    assert [row["model"] for row in handlers.compare_json(Request(str(portrait_path())))["models"]] == FOUR
    assert "Added since: transfer, pretrained on photos of other things. " in (_explain_others(handlers, "en") or "")
    monkeypatch.delitem(LOCALES["en"], "choice.other.transfer")  # a model of which there are no words
    assert "Added since: transfer. " in (_explain_others(handlers, "en") or "")


def test_terminal_has_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    main(["list"])
    assert re.search(r"^transfer +tuned$", capsys.readouterr().out, re.MULTILINE)
    main(["compare", str(portrait_path()), "--models", "dense,transfer"])
    assert re.search(r"dense +transfer +average$", capsys.readouterr().out, re.MULTILINE)


def test_tables_have_its_row_without_figures_of_the_report(checkpoints: Path) -> None:
    bundled = read_checkpoints(checkpoints)
    assert [one.key for one in bundled] == ["transfer.tuned", *(f"{name}.report" for name in FOUR)]
    (row,) = re.findall(r'<tr><th scope="row">transfer</th>(.*?)</tr>', render_report_comparison(make_summary(), "en"))
    cells = [re.sub("<[^>]*>", "", cell) for cell in re.findall("<td.*?>(.*?)</td>", row)]
    assert cells[0].startswith("70.0")
    assert [cells[index] for index in (1, 2, 4, 6)] == ["–"] * 4, "published, difference, rank, revision"
    summary = read_summary()
    for html in (render_test_sets(bundled, "en"), render_cost(summary, bundled, "en")):
        assert 'scope="row">transfer<' in html
    summary["cost"]["models"] = [cost for cost in summary["cost"]["models"] if cost["model"] != "transfer"]
    assert "transfer" not in render_cost(summary, bundled, "en"), "its cost was not measured"
    assert "70.0" in render_model(bundled[0], "en")
    assert "`transfer" not in tables.render_reproduction()
    for render in (tables.render_accuracy, tables.render_calibration, tables.render_robustness, tables.render_classes):
        assert "`transfer.tuned`" in render(), render.__name__


def test_card_is_rendered_and_push_plans_its_repository(
    checkpoints: Path, hub: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    card = render_card(checkpoints / "transfer.tuned")
    for words in ("3,379,399 weights", "convolution 1x1, batch norm, ReLU6, convolution 3x3", "dropout 20%"):
        assert words in card
    for words in ("report's `transfer`", "None"):
        assert words not in card
    push.main(["--namespace", "alice", "--models", "transfer", "--dry-run"])
    out = capsys.readouterr().out
    for words in ("alice/fer-transfer", "tuned", "modeling_fer_transfer.py", "configuration_fer_transfer.py"):
        assert words in out


def test_cost_is_measured(five: list[LoadedModel]) -> None:
    (cost,) = measure_cost.measure_cost([five[-1]], rounds=1)
    assert (cost["model"], cost["tag"], cost["parameters"]) == ("transfer", "tuned", 3_379_399)
    assert 50e6 < cost["multiply_adds"] < 100e6
