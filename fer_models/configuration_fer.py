"""Configuration of the convolutional models of the report (Tables 3 to 6)."""

from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict

from .configuration_fer_base import FerConfig

# The order of the logits. Alphabetical, as Keras' `flow_from_directory` numbers the class folders.
FER_LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


@strict
class FerCnnConfig(FerConfig):
    r"""
    Everything that tells one of the four models from another.

    A model is a chain of blocks, each `conv -> ReLU [-> batch norm] [-> max pool] [-> dropout]`, then
    `flatten [-> dense -> ReLU]* -> dense`. Defaults are the report's `baseline`.

    Args, beside those of `FerConfig`:
        filters: Output channels of each block's convolution; its length is the number of blocks.
        kernel_size: Side of every convolution's kernel, in pixels. No padding, stride 1.
        num_pools: How many of the blocks, counted from the first, end in a 2x2 max pool.
        batch_norm: Whether a batch normalisation follows each ReLU.
        batch_norm_momentum: Weight of the new batch in the running statistics, in (0, 1]. Keras' 0.99 is 0.01 here.
        batch_norm_eps: Added to the variance. Keras' default is 1e-3, torch's 1e-5.
        block_dropout: Dropout probability at the end of each block, in [0, 1); empty means none anywhere.
        dense_sizes: Widths of the ReLU layers between the flattened maps and the logits.

    Raises:
        StrictDataclassError: A field has the wrong type or is out of range, or the image is too small for the blocks.
    """

    model_type = "fer_cnn"
    auto_classes: ClassVar[dict[str, str]] = {
        "AutoModel": "modeling_fer.FerCnnModel",
        "AutoModelForImageClassification": "modeling_fer.FerCnnForImageClassification",
    }

    filters: list[int] | tuple[int, ...] = (32, 64, 128, 256)
    kernel_size: int = 3
    num_pools: int = 4
    batch_norm: bool = False
    batch_norm_momentum: float = 0.01
    batch_norm_eps: float = 1e-3
    block_dropout: list[float] | tuple[float, ...] = ()
    dense_sizes: list[int] | tuple[int, ...] = ()

    def __post_init__(self, **kwargs: Any) -> None:
        if self.id2label is None and "num_labels" not in kwargs:
            self.id2label = dict(enumerate(FER_LABELS))
            self.label2id = {label: index for index, label in enumerate(FER_LABELS)}
        super().__post_init__(**kwargs)

    @property
    def feature_map_size(self) -> int:
        """Side of the last block's feature maps, in pixels; below 1 if the image is too small."""
        size = self.image_size
        for index in range(len(self.filters)):
            size -= self.kernel_size - 1
            if index < self.num_pools:
                size //= 2
        return size

    def validate_blocks(self) -> None:
        """Check the blocks one field at a time. Called by `@strict`."""
        if self.kernel_size < 1:
            raise ValueError(f"kernel_size must be 1 or more; got {self.kernel_size}.")
        if not self.filters or min(self.filters) < 1:
            raise ValueError(f"filters must hold at least one number, each 1 or more; got {self.filters!r}.")
        if not 0 <= self.num_pools <= len(self.filters):
            raise ValueError(
                f"num_pools must lie between 0 and the number of blocks ({len(self.filters)}); got {self.num_pools}."
            )
        if self.block_dropout and len(self.block_dropout) != len(self.filters):
            raise ValueError(
                f"block_dropout must be empty or hold one probability per block ({len(self.filters)}); "
                f"got {self.block_dropout!r}."
            )
        if any(not 0 <= probability < 1 for probability in self.block_dropout):
            raise ValueError(f"block_dropout must hold probabilities in [0, 1); got {self.block_dropout!r}.")
        if any(size < 1 for size in self.dense_sizes):
            raise ValueError(f"dense_sizes must hold widths of 1 or more; got {self.dense_sizes!r}.")
        if not 0 < self.batch_norm_momentum <= 1:
            raise ValueError(f"batch_norm_momentum must lie in (0, 1]; got {self.batch_norm_momentum}.")
        if not self.batch_norm_eps > 0:
            raise ValueError(f"batch_norm_eps must be positive; got {self.batch_norm_eps}.")
        if self.feature_map_size < 1:
            raise ValueError(
                f"image_size {self.image_size} is too small: after {len(self.filters)} blocks with kernel_size "
                f"{self.kernel_size} and {self.num_pools} pools nothing is left of the image. Use a larger image_size "
                "or fewer num_pools."
            )


# The report's Tables 3 to 6: the fields in which each model differs from the defaults above.
FER_CNN_ARCHITECTURES: dict[str, dict[str, Any]] = {
    "baseline": {},
    "dense": {"dense_sizes": [64, 32]},
    "batchnorm": {"filters": [256, 128, 64, 32], "batch_norm": True},
    "batchnorm-dropout": {
        "filters": [256, 128, 64, 32],
        "batch_norm": True,
        "block_dropout": [0.25, 0.0, 0.25, 0.0],
    },
}

__all__ = ["FER_CNN_ARCHITECTURES", "FER_LABELS", "FerCnnConfig"]
