import json
from pathlib import Path

import pytest

from training.benchmarks import trainer as benchmark
from training.benchmarks.trainer import WARM_UP_STEPS, Stopwatch, measure


def test_both_ways_train_the_same_number_of_steps(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch):
    steps: list[int] = []
    stop = Stopwatch.stop

    def stop_and_note(stopwatch: Stopwatch) -> None:
        steps.append(stopwatch._steps)
        stop(stopwatch)

    monkeypatch.setattr(Stopwatch, "stop", stop_and_note)
    file = tmp_path / "benchmark.json"
    benchmark.main(["--batch-size", "2", "--steps", "3", "--rounds", "2", "--images", "5", "--output", str(file)])

    assert steps == [WARM_UP_STEPS + 3] * 4, "more than an epoch, twice, in turn"
    result = json.loads(file.read_text())
    assert [len(figures) for figures in result["images_per_second"].values()] == [2, 2]
    assert result["ratio"] == result["medians"]["Trainer"] / result["medians"]["bare loop"]
    assert result["versions"]["torch"]
    out = capsys.readouterr().out
    assert f"Trainer / bare loop: {result['ratio']:.3f}" in out
    assert f"peak memory: {result['peak_memory_gb']:.2f} GB" in out


def test_both_ways_end_with_the_same_kind_of_model(monkeypatch: pytest.MonkeyPatch):
    """Memory order and optimizer are the recipe's, for the bare loop, too."""
    models = []
    make_model = benchmark.make_model

    def make_and_keep(*args):
        models.append(make_model(*args))
        return models[-1]

    monkeypatch.setattr(benchmark, "make_model", make_and_keep)
    measure("batchnorm", batch_size=1, steps=1, rounds=1, num_images=1)
    bare, trained = ({name: value.stride() for name, value in model.named_parameters()} for model in models)
    assert bare == trained
    assert bare["blocks.1.conv.weight"][1] == 1, "channels last"


def test_wrong_numbers_are_refused():
    for model, batch_size, num_images, message in (
        ("resnet", 64, 64, "There is no model 'resnet'"),
        ("baseline", 0, 64, "got 0, 1, 1 and 64"),
        ("baseline", 64, 63, "63 images"),  # no whole batch, so no step at all
    ):
        with pytest.raises(ValueError, match=message):
            measure(model, batch_size, 1, 1, num_images)
