"""What the mean over a face and its mirror image brings: `python -m training.evaluation.flip_tta`.

All other figures are of one view of each face. Published ones often are not, so this one sets ours beside them: it
measures every bundled model on the test images and writes `training/results/flip.json`.
"""

from typing import Any

from fer_models.commands import command
from fer_models.memory import keep_freed_memory
from fer_models.zoo import list_models, list_tags, load

from ..data import FaceTensors, decode
from ..runtime.measured import make_measuring_parser, write_measured
from .evaluate import RememberedLogits, load_splits
from .metrics import accuracy_interval

SPLITS = ("official_test", "report_test")


def compare_views(model: RememberedLogits, faces: FaceTensors) -> dict[str, Any]:
    """Accuracy in one view and in two.

    Args:
        model: The model, which is asked once for what the splits share.
        faces: What it is measured on.

    Returns:
        `n`; `one_view` and `two_views`, accuracies in [0, 1], the latter by the mean of the probabilities that the
        model gives for the face and for its mirror image; `two_views_interval_95`.
    """
    straight = model.predict(faces).softmax(-1)
    mirrored = model.predict(FaceTensors(faces.pixel_values.flip(-1), faces.labels)).softmax(-1)
    one, two = (
        (probabilities.argmax(-1) == faces.labels).double().mean().item()
        for probabilities in (straight, (straight + mirrored) / 2)
    )
    return {
        "n": len(faces),
        "one_view": one,
        "two_views": two,
        "two_views_interval_95": accuracy_interval(two, len(faces)),
    }


def measure_flip(source: str) -> list[dict[str, Any]]:
    """What `compare_views` gives for every bundled model and split of `SPLITS`, with `model`, `tag` and `split`.

    Raises:
        DataError: The data is not FER2013.
        OSError: The weights are missing or damaged.
    """
    keep_freed_memory()
    rows = load_splits(source, "official")
    measured = []
    for name, tag in [(one, tag) for one in list_models() for tag in list_tags(one)]:
        model, image_processor = load(name, tag)
        remembered = RememberedLogits(model)
        for split in SPLITS:
            views = compare_views(remembered, decode(rows[split], image_processor))
            measured.append({"model": name, "tag": tag, "split": split, **views})
            print(f"{name}.{tag}, {split}: {views['one_view']:.4f} -> {views['two_views']:.4f}", flush=True)
    return measured


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_measuring_parser("evaluation.flip_tta", __doc__, "flip.json").parse_args(argv)
    write_measured(arguments.output, {"rows": measure_flip(arguments.data)})


if __name__ == "__main__":
    main()
