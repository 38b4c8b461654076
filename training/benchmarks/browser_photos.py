"""Photos made of the bundled portraits, and whether the page in the browser answers as this package: for `browser`."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from fer_models.comparison import Comparison
from fer_models.configuration_fer import FER_LABELS
from fer_models.faces import FaceDetector
from fer_models.images import read_image
from fer_models.inference import LoadedModel, classify, cut_out, to_json

from ..publishing.static_page import read_examples

# What counts as the same.
MAX_BOX_PIXELS, MAX_PROBABILITY = 2.0, 0.02


def make_photos(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Photos made of the bundled portraits: turned, scaled, cut by the edge, several in one; kind and file."""
    rng = np.random.default_rng(seed)
    portraits = [Image.open(io.BytesIO(content)).convert("RGB") for content in read_examples().values()]

    def scale(image: Image.Image, factor: float) -> Image.Image:
        return image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)

    for index in range(count):
        kind = ("turned", "scaled", "cut", "several", "large")[index % 5]
        image = portraits[int(rng.integers(len(portraits)))]
        if kind == "turned":
            image = image.rotate(float(rng.uniform(-180, 180)), Image.Resampling.BICUBIC, expand=True, fillcolor="grey")
        elif kind == "scaled":
            image = scale(image, float(rng.uniform(0.2, 2.2)))
        elif kind == "cut":
            left, top = int(rng.integers(0, 200)), int(rng.integers(0, 130))
            image = image.crop((left, top, left + int(rng.integers(150, 300)), top + int(rng.integers(150, 300))))
        else:
            side = 1000 if kind == "several" else 2400
            sheet = Image.new("RGB", (side, side * 3 // 4), "grey")
            for place in range(int(rng.integers(2, 5))):
                part = scale(portraits[int(rng.integers(len(portraits)))], float(rng.uniform(0.3, 0.75)))
                sheet.paste(part, (place % 2 * side // 2 + int(rng.integers(60)), place // 2 * side * 3 // 8))
            image = sheet
        buffer = io.BytesIO()
        image.save(buffer, "PNG" if index % 2 else "JPEG", quality=92)
        yield kind, buffer.getvalue()


def measure_photos(page: Any, models: list[LoadedModel], count: int) -> dict[str, Any]:
    """Made photos, each face of each, by this package and by the page."""
    detector = FaceDetector()
    rows: list[dict[str, Any]] = []
    for index, (kind, content) in enumerate(make_photos(count)):
        image = read_image(content)
        faces = detector.detect(image)
        found = classify(cut_out(image, faces, faces), models) if faces else [Comparison([], None, None, [])]
        ours = [to_json(one, models) for one in found]
        theirs = [ask(page, content, face=face) for face in range(len(ours))]
        rows.append({"index": index, "kind": kind} | compare_answers(ours, theirs))
    return {
        "n": len(rows),
        "same": sum(row["same"] for row in rows),
        "faces": sum(row["faces"] for row in rows),
        "largest_box_difference_px": max((row["box_px"] for row in rows if row["same"]), default=0.0),
        "largest_difference": max((row["probability"] for row in rows if row["same"]), default=0.0),
        "others": [row for row in rows if not row["same"]],
    }


def ask(page: Any, content: bytes, kind: str = "", **options: Any) -> Any:
    """What `window.fer.compare` answers to a picture file, or the reason why there is no answer."""
    code = """async ([text, type, options]) => {
        const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
        return window.fer.compare(new Blob([bytes], { type }), options).catch((error) => error.reason);
    }"""
    return page.evaluate(code, [base64.b64encode(content).decode(), kind, options])


def compare_answers(ours: list[dict[str, Any]], theirs: list[dict[str, Any] | str]) -> dict[str, Any]:
    """How far the answers for the faces of one photo lie apart."""
    box_px, probability, same = 0.0, 0.0, True
    for mine, other in zip(ours, theirs, strict=True):
        if isinstance(other, str) or len(mine["faces"]) != len(other["faces"]):
            return {"same": False, "faces": len(mine["faces"]), "box_px": 0.0, "probability": 0.0, "why": "faces"}
        for one, two in zip(mine["faces"], other["faces"], strict=True):
            box_px = max(box_px, float(np.abs(np.subtract(one["box_xyxy"], two["box_xyxy"])).max()))
        for one, two in zip(mine["models"], other["models"], strict=True):
            differences = [abs(one["probabilities"][label] - two["probabilities"][label]) for label in FER_LABELS]
            probability = max(probability, *differences)
            same &= one["winner"] == two["winner"]
    same &= box_px <= MAX_BOX_PIXELS and probability <= MAX_PROBABILITY
    return {"same": bool(same), "faces": len(ours[0]["faces"]), "box_px": box_px, "probability": probability}
