"""A model in words: its blocks and layers, the shapes of what they give, their weights, its multiply-adds."""

from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

# A block of more layers than this is only counted.
LONGEST_LIST = 8


@torch.inference_mode()
def describe_architecture(model: PreTrainedModel) -> list[dict[str, Any]]:
    """One row for each block, in the order of the model.

    Returns:
        `layers`, in words; `output`, the shape without the batch, such as `32 x 23 x 23`; `weights`, how many.
    """
    parts = [part for child in model.children() for part in (child if isinstance(child, nn.ModuleList) else [child])]
    shapes: dict[nn.Module, torch.Size] = {}

    def keep_shape(part: nn.Module, _: object, output: Any) -> None:
        shapes[part] = (output if isinstance(output, torch.Tensor) else output[0]).shape  # a backbone's first output

    hooks = [part.register_forward_hook(keep_shape) for part in parts]
    config = model.config
    model.eval()(torch.zeros(1, config.num_channels, config.image_size, config.image_size))
    for hook in hooks:
        hook.remove()
    rows = [(part, _name_layers(part)) for part in parts if part in shapes]
    return [
        {
            "layers": ", ".join(names)
            if len(names) <= LONGEST_LIST
            else f"{type(part).__name__} of {len(names)} layers",
            "output": " x ".join(str(length) for length in shapes[part][1:]),
            "weights": sum(weight.numel() for weight in part.parameters()),
        }
        for part, names in rows
        if names
    ]


@torch.inference_mode()
def count_multiply_adds(model: PreTrainedModel) -> int:
    """Multiply-adds of one face."""
    config = model.config
    with FlopCounterMode(display=False) as counter:
        model.eval()(torch.zeros(1, config.num_channels, config.image_size, config.image_size))
    return counter.get_total_flops() // 2


def _name_layers(part: nn.Module) -> list[str]:
    names = []
    for layer in part.modules():
        match layer:
            case nn.Conv2d():
                names.append(f"convolution {layer.kernel_size[0]}x{layer.kernel_size[1]}")
            case nn.Linear():
                names.append(f"dense {layer.out_features}")
            case nn.BatchNorm2d():
                names.append("batch norm")
            case nn.MaxPool2d():
                names.append(f"max pool {layer.kernel_size}x{layer.kernel_size}")
            case nn.Dropout(p=share):
                names += [f"dropout {share:.0%}"] if share else []
            case nn.Identity() | nn.ZeroPad2d():
                pass
            case nn.Module() if not list(layer.children()) and not isinstance(layer, nn.Sequential):
                names.append(type(layer).__name__)
    return names
