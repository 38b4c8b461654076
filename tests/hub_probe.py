"""What a stranger does with a model of the Hub: needs torch, transformers and pillow only, and runs anywhere.

`python hub_probe.py face.png alice/fer-baseline@REVISION ./folder@main` prints, as JSON, what came out of each.
"""

# ruff: noqa: E402

import json
import sys
from typing import Any

sys.modules["fer_models"] = None  # type: ignore[assignment]  # a stranger does not have it

import torch
import transformers
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoModelForImageClassification, pipeline


def probe(name: str, revision: str, photo: str) -> dict[str, Any]:
    """What a repository or a folder answers."""
    pinned: dict[str, Any] = {"revision": revision, "trust_remote_code": True}
    model = AutoModelForImageClassification.from_pretrained(name, **pinned).eval()
    image_processor = AutoImageProcessor.from_pretrained(name, **pinned)
    image = Image.open(photo)
    pixels = image_processor(image, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**pixels).logits
        features = AutoModel.from_pretrained(name, **pinned).eval()(**pixels).pooler_output
    classify = pipeline("image-classification", model=name, **pinned)
    return {
        "python": sys.version.split()[0],
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "class": f"{type(model).__module__.partition('.')[0]}.{type(model).__name__}",
        "image_processor": type(image_processor).__name__,
        "logits": logits[0].tolist(),
        "features": features[0].tolist(),
        "file": classify(photo, top_k=3),
        "list": classify([photo, image], top_k=1),
        "batch": classify([image] * 5, batch_size=4, top_k=7),
    }


def main() -> None:
    photo, *places = sys.argv[1:]
    print(json.dumps([probe(*place.split("@"), photo) for place in places]))


if __name__ == "__main__":
    main()
