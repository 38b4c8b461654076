"""What the static page must know of the package: its limits, and its models with what was measured of them."""

from dataclasses import asdict
from typing import Any

from fer_models import comparison, face_search, faces, images, quality
from fer_models.configuration_fer import FER_LABELS
from fer_models.hub import compute_fingerprint
from fer_models.inference import read_accuracy
from fer_models.zoo import REPORT_MODELS, checkpoint_dir, list_tags, sort_tags

MAX_FILE_MB = 100


def describe_settings() -> dict[str, Any]:
    """What the page must know of the package: its limits, and its models with what was measured of them."""
    names = list(REPORT_MODELS)
    tags = sort_tags(tag for name in names for tag in list_tags(name))
    return {
        "labels": list(FER_LABELS),
        "names": names,
        "tags": tags,
        "models": [describe_model(name, tag) for name in names for tag in tags if tag in list_tags(name)],
        "numbers": collect_numbers(),
        "rules": [{"id": id} | asdict(rule) for id, rule in quality.RULES.items()],
        "implied": quality.IMPLIED,
        "doubts": quality.DOUBTS,
    }


def collect_numbers() -> dict[str, float]:
    """The limits, by their own names."""
    modules = (comparison, face_search, faces, quality)
    pairs = [pair for module in modules for pair in vars(module).items()]
    numbers = {name: value for name, value in pairs if name.isupper() and isinstance(value, int | float)}
    others = {"MAX_PIXELS": images.MAX_PIXELS, "CROP_SIDE_MIN": images.CROP_SIDE_MIN, "MAX_FILE_MB": MAX_FILE_MB}
    return numbers | others


def describe_model(name: str, tag: str) -> dict[str, Any]:
    """One model, with the keys of an answer."""
    directory = checkpoint_dir(name, tag)
    accuracy, count, labels = read_accuracy(directory)
    return {
        "model": name,
        "tag": tag,
        "file": f"models/{name}.{tag}-{compute_fingerprint(directory)}.onnx.gz",
        "size_mb": round((directory / "model.safetensors").stat().st_size / 1e6, 2),
        "test_accuracy": accuracy,
        "test_images": count,
        "test_labels": labels,
    }
