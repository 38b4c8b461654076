import json
import struct
from pathlib import Path

import pytest

from fer_models.configuration_fer import FER_LABELS
from training.publishing.plots import draw_checkpoint, plot_confusion_matrix, plot_curves, plot_reliability

HISTORY = [
    {"epoch": 1, "train_loss": 1.8, "train_accuracy": 0.2, "validation_loss": 1.7, "validation_accuracy": 0.3},
    {"epoch": 2, "train_loss": 1.5, "train_accuracy": 0.4, "validation_loss": 1.6, "validation_accuracy": 0.35},
]
COUNTS = [[index * 7 + column for column in range(7)] for index in range(7)]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    directory = tmp_path / "baseline.trial"
    directory.mkdir()
    test = {"n": 1176, "accuracy": 0.25, "confusion_matrix": COUNTS}
    bins = [{"n": 588, "confidence": 0.4, "accuracy": 0.2}, {"n": 588, "confidence": 0.8, "accuracy": 0.6}]
    calibration = {"calibration_before": {"ece": 0.2, "bins": bins}, "calibration": {"ece": 0.1, "bins": bins[:1]}}
    splits = {"official_test_without_copies": test | calibration}
    results = {"seed": 4, "labels": list(FER_LABELS), "splits": splits}
    (directory / "results.json").write_text(json.dumps(results))
    (directory / "history.json").write_text(json.dumps(HISTORY))
    return directory


def test_curves_show_the_history_also_of_no_epoch():
    for history in ([], HISTORY):
        figure = plot_curves(history, "title")
        assert figure.get_suptitle() == "title"
        assert [axes.get_ylabel() for axes in figure.axes] == ["accuracy", "loss"]
        for axes in figure.axes:
            lines = {line.get_label(): line for line in axes.get_lines()}
            assert lines.keys() == {"train", "validation"}
            assert len({line.get_linestyle() for line in lines.values()}) == 2, "told apart without colours"
            for split, line in lines.items():
                assert list(line.get_xdata()) == [row["epoch"] for row in history]
                assert list(line.get_ydata()) == [row[f"{split}_{axes.get_ylabel()}"] for row in history]


def test_curves_tell_where_a_second_training_begins_and_who_taught_it():
    accuracy, loss = plot_curves(HISTORY, "title", before=1, is_taught=True).axes
    labels = [[line.get_label() for line in axes.get_lines()] for axes in (accuracy, loss)]
    assert labels[0] == ["train", "validation", "second training"]
    assert labels[1] == ["train, by teachers too", "validation", "second training"]
    assert list(loss.get_lines()[-1].get_xdata()) == [1.5, 1.5]


def test_confusion_matrix_shows_counts_in_rows_of_true_classes():
    (axes,) = plot_confusion_matrix([[0, 0], [1, 3]], ["absent", "present"], "title").axes
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "0", (1, 0): "0", (0, 1): "1", (1, 1): "3"}
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted", "true", "title")
    assert axes.get_images()[0].get_array().tolist() == [[0, 0], [0.25, 0.75]], "shares; 0 / 0 would be a hole"


def test_reliability_shows_the_bins_before_and_after():
    before = {"ece": 0.2, "bins": [{"n": 5, "confidence": 0.9, "accuracy": 0.5}]}
    after = {"ece": 0.0125, "bins": [{"n": 2, "confidence": 0.4, "accuracy": 0.5}]}
    (axes,) = plot_reliability(before, after, "title").axes
    points = [(*line.get_xdata(), *line.get_ydata()) for line in axes.get_lines()]
    assert points == [(0, 1, 0, 1), (0.9, 0.5), (0.4, 0.5)]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words[1:] == ["before the temperature: error 0.200", "after the temperature: error 0.013"]


def test_figures_are_pngs_of_the_json(checkpoint: Path):
    """Equal JSON gives equal files, else every push would make a commit: no date and no version is in them."""
    first = draw_checkpoint(checkpoint)
    assert first.keys() == {"curves.png", "confusion_matrix.png", "reliability.png"}
    for content in first.values():
        assert content.startswith(b"\x89PNG")
        assert min(struct.unpack(">II", content[16:24])) > 300
        assert b"tEXt" not in content
    assert draw_checkpoint(checkpoint) == first
    (checkpoint / "history.json").write_text(json.dumps(HISTORY[:1]))
    assert draw_checkpoint(checkpoint)["curves.png"] != first["curves.png"]
