"""What the configurations of all models here share: the size of a face, and how the classifier is calibrated."""

from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig
from transformers.utils import logging

logger = logging.get_logger(__name__)


@strict
class FerConfig(PreTrainedConfig):
    r"""
    The fields that every model has.

    Args:
        num_channels: Channels of the input; 1 is grey.
        image_size: Side of the square input, in pixels.
        temperature: The logits are divided by it, above 0, so that their softmax is as sure as it is right (Guo et al.
            2017, arXiv:1706.04599); fitted after training, 1 before. It belongs to the classifier: where
            `from_pretrained` makes a new one, or `num_labels` is another than that of the stored labels, it is set back
            to 1, and the prior is forgotten. A model made by `from_config` for as many labels keeps both, for nothing
            tells there whether the stored weights will follow.
        class_prior: Each label's share in what was learnt, above 0; its logarithm is taken from the logits.
        prior_strength: How much of it, in [0, 1]; 0 leaves the prior in.

    Raises:
        StrictDataclassError: A field has the wrong type or is out of range.
    """

    auto_classes: ClassVar[dict[str, str]] = {}  # of transformers, and where each is written

    num_channels: int = 1
    image_size: int = 48
    temperature: float = 1.0
    class_prior: list[float] | tuple[float, ...] | None = None
    prior_strength: float = 0.0

    def __post_init__(self, **kwargs: Any) -> None:
        fitted_labels = len(self.class_prior or self.id2label or ())
        super().__post_init__(**kwargs)
        if fitted_labels not in (0, self.num_labels):
            self.forget_calibration()
        # Each class names itself where it is saved; the weights are for both, and so is the code beside them.
        self.auto_map = self.auto_classes | (getattr(self, "auto_map", None) or {})

    def forget_calibration(self) -> None:
        """Set temperature and prior back, which were fitted for another classifier."""
        if self.temperature != 1 or self.prior_strength:
            logger.warning(
                f"The classifier is new, so the temperature {self.temperature}, which was fitted for the stored one, "
                "is set back to 1, and the classes' prior is forgotten. Fit them again after training."
            )
        self.temperature, self.class_prior, self.prior_strength = 1.0, None, 0.0

    def validate_input(self) -> None:
        """Check what the model takes. Called by `@strict`."""
        for name in ("num_channels", "image_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more; got {getattr(self, name)}.")

    def validate_calibration(self) -> None:
        """Check temperature and prior. Called by `@strict`."""
        if not 0 < self.temperature < float("inf"):  # also true for NaN
            raise ValueError(f"temperature must be a finite number above 0; got {self.temperature}.")
        if self.class_prior is not None and not all(share > 0 for share in self.class_prior):
            raise ValueError(f"class_prior must hold numbers above 0; got {self.class_prior!r}.")
        if not 0 <= self.prior_strength <= 1:
            raise ValueError(f"prior_strength must lie in [0, 1]; got {self.prior_strength}.")
        if self.prior_strength and self.class_prior is None:
            raise ValueError("prior_strength needs a class_prior.")


__all__ = ["FerConfig"]
