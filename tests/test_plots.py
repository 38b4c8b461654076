from pathlib import Path

import made_up_results

from training.publishing.plots import draw_checkpoint, plot_confusion_matrix, plot_curves

HISTORY = made_up_results.make_history(2)


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


def test_curves_tell_where_another_training_begins_and_who_taught_it():
    accuracy, loss = plot_curves(HISTORY, "title", ends=[1], is_taught=True).axes
    labels = [[line.get_label() for line in axes.get_lines()] for axes in (accuracy, loss)]
    assert labels[0] == ["train", "validation", "another training"]
    assert labels[1] == ["train, by teachers too", "validation", "another training"]
    assert list(loss.get_lines()[-1].get_xdata()) == [1.5, 1.5]


def test_confusion_matrix_shows_counts_in_rows_of_true_classes():
    (axes,) = plot_confusion_matrix([[0, 0], [1, 3]], ["absent", "present"], "title").axes
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "0", (1, 0): "0", (0, 1): "1", (1, 1): "3"}
    assert axes.get_images()[0].get_array().tolist() == [[0, 0], [0.25, 0.75]], "shares; 0 / 0 would be a hole"


def test_figures_are_pngs_of_the_json(tmp_path: Path):
    """Equal JSON gives equal files, else every push would make a commit: no date and no version is in them."""
    made_up_results.write_checkpoint(tmp_path / "baseline.trial")
    first = draw_checkpoint(tmp_path / "baseline.trial")
    assert first.keys() == {"curves.png", "confusion_matrix.png", "reliability.png"}
    assert all(content.startswith(b"\x89PNG") and b"tEXt" not in content for content in first.values())
    assert draw_checkpoint(tmp_path / "baseline.trial") == first
