"""What the static page must know of the package: its limits, and its models with what was measured of them."""

import json
from typing import Any

from fer_models import comparison, faces, images, quality
from fer_models.configuration_fer import FER_LABELS
from fer_models.hub import compute_fingerprint
from fer_models.inference import PEOPLE_SPLIT, choose_answer_split
from fer_models.zoo import REPORT_MODELS, checkpoint_dir, list_tags, sort_tags

MAX_FILE_MB = 100


def describe_settings(languages: list[str]) -> dict[str, Any]:
    """What the page must know of the package: its limits, and its models with what was measured of them."""
    names = list(REPORT_MODELS)
    tags = sort_tags(tag for name in names for tag in list_tags(name))
    return {
        "labels": list(FER_LABELS),
        "languages": languages,
        "names": names,
        "tags": tags,
        "models": [describe_model(name, tag) for name in names for tag in tags if tag in list_tags(name)],
        "maxPixels": images.MAX_PIXELS,
        "maxBytes": MAX_FILE_MB * 1024**2,
        "faces": {
            "scoreThreshold": faces.SCORE_THRESHOLD,
            "weakScore": faces.WEAK_SCORE,
            "sureScore": faces.SURE_SCORE,
            "secondScore": faces.SECOND_SCORE,
            "uprightScore": faces.UPRIGHT_SCORE,
            "coarseSide": faces.COARSE_SIDE,
            "fineSide": faces.FINE_SIDE,
            "fineFaceMax": faces.FINE_FACE_MAX,
            "tileFaceMax": faces.TILE_FACE_MAX,
            "tilePixels": faces.TILE_PIXELS,
            "minInputSide": faces.MIN_INPUT_SIDE,
            "minFaceSide": faces.MIN_FACE_SIDE,
            "cropSide": faces.CROP_SIDE,
        },
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


def describe_model(name: str, tag: str) -> dict[str, Any]:
    """One model, with the keys of an answer."""
    directory = checkpoint_dir(name, tag)
    results = json.loads((directory / "results.json").read_text())
    split = choose_answer_split(results)
    return {
        "model": name,
        "tag": tag,
        "file": f"models/{name}.{tag}-{compute_fingerprint(directory)}.onnx.gz",
        "size_mb": round((directory / "model.safetensors").stat().st_size / 1e6, 2),
        "test_accuracy": results["splits"][split]["accuracy"],
        "test_images": results["splits"][split]["n"],
        "test_labels": "people" if split == PEOPLE_SPLIT else "fer2013",
    }
