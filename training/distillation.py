"""Learning from other models' answers (Hinton et al. 2015, arXiv:1503.02531)."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from .objective import add_divergence


class Distillation:
    """Mixes a loss with the distance to what teachers answer on average.

    Args:
        teachers: At least one model that sees the same faces.
        weight: Of the teachers, in [0, 1]; the labels weigh the rest.
        temperature: Divides the logits of both, above 0; above 1 the teachers' second choices count for more.
    """

    def __init__(self, teachers: Sequence[PreTrainedModel], weight: float, temperature: float):
        self._teachers = [teacher.eval().requires_grad_(False) for teacher in teachers]
        self._weight, self._temperature = weight, temperature

    def to(self, device: torch.device) -> "Distillation":
        """Move the teachers."""
        for teacher in self._teachers:
            teacher.to(device)  # type: ignore[arg-type]
        return self

    @torch.no_grad()
    def answer(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """The mean of the teachers' probabilities, `(N, num_labels)`, of faces `(N, C, H, W)`."""
        rows = [teacher(pixel_values).logits.float() / self._temperature for teacher in self._teachers]
        return torch.stack(rows).softmax(-1).mean(0)

    def mix(self, loss: torch.Tensor, logits: torch.Tensor, pixel_values: torch.Tensor) -> torch.Tensor:
        """The loss to learn from.

        Args:
            loss: The one by the labels.
            logits: `(N, num_labels)`, the learner's.
            pixel_values: `(N, C, H, W)`, what it saw.
        """
        return add_divergence(loss, logits.float(), self.answer(pixel_values), self._weight, self._temperature)
