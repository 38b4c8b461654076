"""A bundled model as ONNX, for runtimes without torch: onnxruntime, and onnxruntime-web in a browser.

Needs the packages of the extra `onnx`.
"""

import json
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageClassification, PreTrainedModel

from .hub import make_fixed_revision

ONNX_FILE = "onnx/model.onnx"  # where the Hub's users look for it
OPSET = 18
# Of 23. Weights of 16 bits, which have 10, change probabilities of PublicTest's faces by up to 0.003, and some winners.
ROUNDED_BITS = 14


class _Logits(torch.nn.Module):
    """`(N, C, H, W)` pixel values -> `(N, num_labels)` logits, temperature and prior included."""

    def __init__(self, model: PreTrainedModel):
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values).logits


def export_onnx(directory: Path) -> bytes:
    """The model of a checkpoint, as an ONNX file.

    Input `pixel_values`, `(N, 1, 48, 48)`, float32, in [0, 1]; output `logits`, `(N, 7)`, unbounded, whose softmax is
    calibrated. The metadata hold `labels` as JSON, `model`, `tag` and `revision`, which ends in the weights' checksum.

    Args:
        directory: A checkpoint's folder, `<name>.<tag>`.

    Raises:
        ImportError: A package is missing; the message names it.
        OSError: The checkpoint cannot be read.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError(f"To write ONNX takes one more package: pip install onnx ({error}).") from error
    model = AutoModelForImageClassification.from_pretrained(directory).eval()
    exported = onnx.load_from_string(_trace(model))
    _forget_origin(exported)
    name, _, tag = directory.name.partition(".")
    metadata = {
        "labels": json.dumps(list(model.config.id2label.values())),
        "model": name,
        "tag": tag,
        "revision": make_fixed_revision(directory),
    }
    onnx.helper.set_model_props(exported, metadata)
    onnx.checker.check_model(exported, full_check=True)
    return exported.SerializeToString()


def _trace(model: PreTrainedModel) -> bytes:
    """What torch makes of a model.

    By torch's older exporter: the same logits in a twentieth of the time and less, such as 0.07 instead of 2.8 s for
    `baseline` on two cores, and without onnxscript. Torch recommends the newer one.
    """
    config = model.config
    faces = torch.rand(2, config.num_channels, config.image_size, config.image_size)
    exported = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Logits(model).eval(),
            (faces,),
            exported,  # type: ignore[arg-type]  # a file works, and is documented
            input_names=["pixel_values"],
            output_names=["logits"],
            dynamic_axes={"pixel_values": {0: "N"}, "logits": {0: "N"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return exported.getvalue()


def _forget_origin(exported: Any) -> None:
    """Take out what torch notes of each operation, such as the paths of the files that it comes from."""
    graph = exported.graph
    for part in (exported, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]


def round_weights(content: bytes, bits: int = ROUNDED_BITS) -> bytes:
    """The same ONNX model with the fractions of its weights rounded to so many bits, so that it compresses well."""
    import onnx

    model = onnx.load_from_string(content)
    dropped = 23 - bits
    for weights in model.graph.initializer:
        array = onnx.numpy_helper.to_array(weights)
        if array.dtype == "float32" and array.ndim >= 2:
            whole = array.view("uint32").astype("uint64") + (1 << (dropped - 1))
            rounded = (whole >> dropped << dropped).astype("uint32").view("float32")
            weights.CopyFrom(onnx.numpy_helper.from_array(rounded, weights.name))
    return model.SerializeToString()
