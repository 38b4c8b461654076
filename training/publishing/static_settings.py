"""What the static page must know of the package: its limits, and its models with what was measured of them."""

from typing import Any

from fer_models import comparison, face_search, faces, images, quality
from fer_models.configuration_fer import FER_LABELS
from fer_models.hub import compute_fingerprint
from fer_models.inference import read_accuracy
from fer_models.zoo import REPORT_MODELS, checkpoint_dir, list_tags, sort_tags

MAX_FILE_MB = 100
# Of `face_search` and `faces`.
FACE_NUMBERS = (
    *("FOUND_SCORE", "WEAK_SCORE", "SURE_SCORE", "SECOND_SCORE", "UPRIGHT_SCORE"),
    *("COARSE_SIDE", "FINE_SIDE", "FINE_FACE_MAX", "TILE_FACE_MAX", "TILE_PIXELS"),
    *("MIN_INPUT_SIDE", "MIN_FACE_SIDE", "CROP_SIDE"),
)


def describe_settings(languages: list[str]) -> dict[str, Any]:
    """What the page must know of the package: its limits, and its models with what was measured of them."""
    names, numbers = list(REPORT_MODELS), vars(face_search) | vars(faces)
    tags = sort_tags(tag for name in names for tag in list_tags(name))
    return {
        "labels": list(FER_LABELS),
        "languages": languages,
        "names": names,
        "tags": tags,
        "models": [describe_model(name, tag) for name in names for tag in tags if tag in list_tags(name)],
        "maxPixels": images.MAX_PIXELS,
        "maxBytes": MAX_FILE_MB * 1024**2,
        "faces": {to_camel_case(name): numbers[name] for name in FACE_NUMBERS},
        "quality": {
            "rules": [
                {"id": id, "quality": rule.quality, "limit": rule.limit, "isFloor": rule.is_floor}
                for id, rule in quality.RULES.items()
            ],
            "implied": quality.IMPLIED,
            "wholeMargin": quality.WHOLE_MARGIN,
            "cropSideMin": images.CROP_SIDE_MIN,
            "cropSide": faces.CROP_SIDE,
        },
        "doubts": quality.DOUBTS,
        "sure": {"probability": comparison.SURE_PROBABILITY, "agreement": comparison.SURE_AGREEMENT},
    }


def to_camel_case(name: str) -> str:
    """A constant's name as JavaScript has it: `FOUND_SCORE` is `foundScore`."""
    first, *others = name.lower().split("_")
    return first + "".join(map(str.capitalize, others))


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
