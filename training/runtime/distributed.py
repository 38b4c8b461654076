"""One recipe on several processes: `accelerate launch -m training.train ...` trains what one process would."""

import sys

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import nn
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments


def share_batch(args: TrainingArguments) -> None:
    """Divide the recipe's batch among the processes, so that each step sees as many images as in one process.

    Raises:
        ValueError: The batch cannot be divided evenly.
    """
    num_parts = args.world_size * max(1, args.n_gpu)  # GPUs without `accelerate launch` share one process
    if args.per_device_train_batch_size % num_parts:
        raise ValueError(
            "per_device_train_batch_size is the batch of all processes together, and "
            f"{args.per_device_train_batch_size} cannot be divided among {num_parts}. Start another number of them, "
            "or change the batch."
        )
    args.per_device_train_batch_size //= num_parts
    args.ddp_find_unused_parameters = False  # every weight is used in every step; to look for others takes time


def synchronize_batch_norm(model: PreTrainedModel, args: TrainingArguments) -> PreTrainedModel:
    """Have batch normalisation look at the batch of all processes, as it does in one."""
    if args.world_size == 1 or not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        return model
    if args.device.type == "cpu":  # torch has it for GPUs only
        if args.should_save:
            print(
                "Batch normalisation sees each process's share of the batch only, since torch synchronises it on GPUs "
                "alone: on CPUs this model comes out otherwise than in one process.",
                file=sys.stderr,
            )
        return model
    return nn.SyncBatchNorm.convert_sync_batchnorm(model)


def share_buffers(model: nn.Module | None) -> None:
    """Give each process the main one's running statistics; in one process nothing happens."""
    broadcast(list(model.buffers()) if model is not None else [])


def count_own_images(accelerator: Accelerator, num_images: int) -> tuple[int, float]:
    """How many images of this process's batch are its own, and what their mean loss weighs.

    The last batch of an epoch is filled up with images of the epoch's beginning, so that every process gets as many.
    In one process the last batch is simply smaller; leaving out what was filled up makes it so again.

    Args:
        num_images: How many images this process was given.

    Returns:
        The number of images at the beginning of the batch that are no repetition, and the factor that makes the mean
        over the processes the mean over the images.
    """
    state = accelerator.gradient_state
    if accelerator.num_processes == 1:
        return num_images, 1.0
    if not (state.end_of_dataloader and state.sync_gradients and state.remainder > 0):
        return num_images, 1.0
    before = accelerator.process_index * num_images
    own = min(max(state.remainder - before, 0), num_images)
    return own, own * accelerator.num_processes / state.remainder


class OwnRandomness(TrainerCallback):
    """Other random numbers in each process, where all begin with the recipe's seed: else the same masks of dropout and
    the same changes of faces would meet each share of a batch. The order of the images stays common to all."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        if args.world_size > 1:
            torch.manual_seed(args.seed + args.process_index)
