"""The faces that a model learns from: bytes on the device that trains, with everything that is known of each."""

from collections.abc import Sequence
from pathlib import Path

import torch
from datasets import Dataset
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import BaseImageProcessor

from .data import DataError, decode
from .votes import make_targets


class TrainingSet(torch.utils.data.Dataset):
    """Faces, in one view each or in several, with their labels, votes, and what teachers answered to each view.

    A batch is one indexing operation where the tensors lie, with one view of each face drawn at random.

    Args:
        pixel_values: `(V, N, C, H, W)`, uint8; the first view of each face is the face as it is.
        labels: `(N,)`, int64.
        votes: `(N, 8)`, float32, as `votes.make_targets` gives them, or None.
        answers: `(V, N, K)`, the mean of the teachers' log-probabilities, or None.
    """

    def __init__(
        self,
        pixel_values: torch.Tensor,
        labels: torch.Tensor,
        votes: torch.Tensor | None = None,
        answers: torch.Tensor | None = None,
    ):
        self.views, self.labels, self.votes, self.answers = pixel_values, labels, votes, answers

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {name: values[0] for name, values in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """`pixel_values` `(B, C, H, W)`, float32 in [0, 1]; `labels`; and, where they are known, `votes`, `answers`."""
        rows = torch.tensor(indices, device=self.labels.device)
        batch = {"labels": self.labels[rows]}
        if len(self.views) > 1:
            view = torch.randint(len(self.views), (len(indices),), device=rows.device)
            batch["pixel_values"] = self.views[view, rows].float() / 255
        else:
            view = torch.zeros_like(rows)
            batch["pixel_values"] = self.views[0, rows].float() / 255
        if self.votes is not None:
            batch["votes"] = self.votes[rows]
        if self.answers is not None:
            batch["answers"] = self.answers[view, rows].float()
        return batch

    def get_faces(self, indices: Sequence[int]) -> torch.Tensor:
        """Faces as they are, `(B, C, H, W)`, float32 in [0, 1]."""
        return self.views[0, list(indices)].float() / 255

    def to(self, device: torch.device) -> "TrainingSet":
        """The same faces on another device."""
        return TrainingSet(
            *(None if values is None else values.to(device) for values in self._tensors())  # type: ignore[arg-type]
        )

    def select(self, rows: torch.Tensor) -> "TrainingSet":
        """Some of the faces; `rows` `(M,)`, int64."""
        votes = None if self.votes is None else self.votes[rows]
        answers = None if self.answers is None else self.answers[:, rows]
        return TrainingSet(self.views[:, rows], self.labels[rows], votes, answers)

    def _tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        return self.views, self.labels, self.votes, self.answers


def make_training_set(rows: Dataset, image_processor: BaseImageProcessor) -> TrainingSet:
    """Decode the training images once, by the model's own image processor.

    Raises:
        DataError: An image cannot be read.
    """
    faces = decode(rows, image_processor)
    votes = make_targets(rows["ferplus_votes"][:]) if "ferplus_votes" in rows.column_names else None
    return TrainingSet((faces.pixel_values * 255).round().to(torch.uint8)[None], faces.labels, votes)


def load_views(path: str | Path) -> TrainingSet:
    """What `training.views` wrote.

    Raises:
        DataError: The file is missing, or is none of these.
    """
    try:
        tensors = load_file(path)
        return TrainingSet(tensors["views"], tensors["labels"], tensors.get("votes"), tensors["answers"])
    except (OSError, KeyError, SafetensorError) as error:
        raise DataError(f"{path} holds no views; python -m training.views makes them. ({error})") from error
