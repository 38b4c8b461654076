"""What a model learns: the labels, the votes, or both, and what teachers answered."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from fer_models.configuration_fer import FER_LABELS

from .votes import VOTE_LABELS

TARGETS = ("label", "votes", "mix", "heads")
NUM_LABELS = len(FER_LABELS)
# The classes of a model with two heads: the labels, and what votes are cast for.
HEAD_LABELS = (*FER_LABELS, *(f"votes:{label}" for label in VOTE_LABELS))


@dataclass
class Objective:
    """The loss of a batch by soft targets.

    Args:
        target: `label`, `votes` (the distribution of FER+'s votes over the seven labels), `mix` of both, or `heads`:
            a model with `HEAD_LABELS` as its classes learns both.
        votes_weight: Share of the votes in `mix`, and weight of the second head in `heads`, in [0, 1].
        label_smoothing: Share of the uniform distribution in the targets, in [0, 1).
        distillation_weight: Weight of the teachers' answers against the targets, in [0, 1]; without answers 0.
        distillation_temperature: Divides the logits of teachers and student in that part of the loss; above 0.
        log_prior: `(7,)`, added to the logits while the model learns: logit adjustment (Menon et al. 2021,
            arXiv:2007.07314), times its strength; None for none.
    """

    target: str
    votes_weight: float = 0.5
    label_smoothing: float = 0.0
    distillation_weight: float = 0.0
    distillation_temperature: float = 2.0
    log_prior: torch.Tensor | None = None

    def __call__(self, logits: torch.Tensor, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The mean loss.

        Args:
            logits: `(N, 7)`, or `(N, 15)` for `heads`.
            batch: As `TrainingSet` makes it, with `target` `(N, 7)` or `(N, 15)` from `make_targets` and, from
                teachers, `answers` `(N, 14)`.
        """
        logits, targets = logits.float(), batch["target"]
        answers = batch.get("answers")
        if self.target == "heads":
            ours, votes = slice(0, NUM_LABELS), slice(NUM_LABELS, None)
            return (1 - self.votes_weight) * self._mix(logits[:, ours], targets[:, ours], None) + (
                self.votes_weight * self._mix(logits[:, votes], targets[:, votes], None)
            )
        return self._mix(logits, targets, None if answers is None else self._read(answers))

    def make_targets(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The distributions to learn, `(N, 7)`, or for `heads` `(N, 15)`; all zero where there is none."""
        labels = functional.one_hot(batch["labels"], NUM_LABELS).float()
        labels = labels * (1 - self.label_smoothing) + self.label_smoothing / NUM_LABELS
        if self.target == "label":
            return labels
        if self.target == "heads":
            return torch.cat([labels, batch["votes"]], dim=1)
        votes = batch["votes"][:, :NUM_LABELS]
        votes = votes / votes.sum(1, keepdim=True).clamp(min=1e-6)
        return votes if self.target == "votes" else torch.lerp(labels, votes, self.votes_weight)

    def reads(self, answers: torch.Tensor) -> bool:
        """Whether teachers' answers `(..., 14)` say what is to be learnt."""
        return bool(self._read(answers.float().flatten(0, -2)).isfinite().all())

    def _read(self, answers: torch.Tensor) -> torch.Tensor:
        """Teachers' probabilities of the labels, at the temperature, `(N, 7)`."""
        answers = answers / self.distillation_temperature
        labels = answers[:, :NUM_LABELS].softmax(-1)
        votes = answers[:, NUM_LABELS : 2 * NUM_LABELS].softmax(-1)
        if self.target == "mix":
            return torch.lerp(labels, votes, self.votes_weight)
        return votes if self.target == "votes" else labels

    def _mix(self, logits: torch.Tensor, targets: torch.Tensor, answers: torch.Tensor | None) -> torch.Tensor:
        if self.log_prior is not None:
            logits = logits + self.log_prior
        counted = targets.sum(1)
        loss = -(targets * logits.log_softmax(-1)).sum() / counted.sum().clamp(min=1)
        if answers is None:
            return loss
        return add_divergence(loss, logits, answers, self.distillation_weight, self.distillation_temperature)


def add_divergence(
    loss: torch.Tensor, logits: torch.Tensor, answers: torch.Tensor, weight: float, temperature: float
) -> torch.Tensor:
    """A loss, and with some weight the distance of `logits` `(N, num_labels)` from teachers' probabilities `answers`.

    The temperature has divided the teachers' logits, and divides these.
    """
    divergence = functional.kl_div((logits / temperature).log_softmax(-1), answers, reduction="batchmean")
    # The temperature makes the gradients smaller by its square.
    return (1 - weight) * loss + weight * temperature**2 * divergence


def draw_shares(count: int, alpha: float, device: torch.device) -> torch.Tensor:
    """How much of each face stays when another is blended in, `(count,)`, in [0.5, 1]; by the beta distribution."""
    concentration = torch.full((), alpha, device=device)
    share = torch.distributions.Beta(concentration, concentration, validate_args=False).sample((count,))
    return torch.maximum(share, 1 - share)


def mix_up(batch: dict[str, torch.Tensor], alpha: float) -> dict[str, torch.Tensor]:
    """Blend each face, and what is to be learnt of it, with another one (Zhang et al. 2018, arXiv:1710.09412).

    Args:
        batch: `pixel_values`, `target` and, from teachers, `answers`, which are blended as probabilities.
        alpha: Of the beta distribution, by whose draw each pair is blended; above 0.
    """
    pixel_values = batch["pixel_values"]
    share = draw_shares(len(pixel_values), alpha, pixel_values.device)
    mixed = dict(batch)  # the order of a batch is random, so each face's neighbour will do
    mixed["pixel_values"] = torch.lerp(pixel_values.roll(1, 0), pixel_values, share[:, None, None, None])
    mixed["target"] = torch.lerp(batch["target"].roll(1, 0), batch["target"], share[:, None])
    if "answers" in batch:
        answers = batch["answers"].exp()
        mixed["answers"] = torch.lerp(answers.roll(1, 0), answers, share[:, None]).clamp(min=1e-8).log()
    return mixed


def adjust_logits(targets: torch.Tensor, strength: float) -> torch.Tensor | None:
    """`Objective.log_prior`: the logarithm of the classes' shares in all targets `(N, 7)`, times a strength."""
    if not strength:
        return None
    prior = targets.sum(0) / targets.sum()
    return strength * prior.clamp(min=math.exp(-12)).log()
