"""A new classifier on a trained network: it learns at a rate of its own, and alone at first."""

from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

HEAD = "classifier"


class FrozenBackbone(TrainerCallback):
    """Lets the classifier learn alone in the first epochs, so that its first, random gradients spoil nothing.

    Batch normalisation's statistics follow the faces all the same.

    Args:
        epochs: How many epochs.
    """

    def __init__(self, epochs: int):
        self._epochs = epochs

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        learns = round(state.epoch or 0) >= self._epochs
        for name, weights in kwargs["model"].named_parameters():
            if not name.startswith(f"{HEAD}."):
                weights.requires_grad_(learns)


def give_head_its_rate(optimizer: torch.optim.Optimizer, model: nn.Module, learning_rate: float) -> None:
    """Give the classifier's weights a learning rate of their own, which the schedule then changes as it does the other.

    Args:
        optimizer: One that has not made a step yet.
        model: The network.
        learning_rate: The classifier's.
    """
    head = {id(weights) for weights in model.get_submodule(HEAD).parameters()}
    for group in list(optimizer.param_groups):
        own = [weights for weights in group["params"] if id(weights) in head]
        if own:
            group["params"] = [weights for weights in group["params"] if id(weights) not in head]
            optimizer.add_param_group({**group, "params": own, "lr": learning_rate})
