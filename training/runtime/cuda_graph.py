"""A training step recorded once as a CUDA graph, and replayed: small models wait for Python otherwise."""

from collections.abc import Callable

import torch
from torch import nn

WARM_UP_STEPS = 3  # cuDNN chooses its kernels in the first ones, which cannot be recorded


class RecordedStep:
    """Forward pass, loss and gradients of one batch.

    The random numbers, running statistics and gradients are what the step would have made without being recorded.
    Everything that the step does on the host is done once, when it is recorded.

    Args:
        step: Takes a batch, computes the gradients of the model's weights and returns the loss; waits for nothing on
            the device.
        model: The model, on a CUDA device.
        batch: The tensors of a first batch; only batches of the same shapes can be replayed.
    """

    def __init__(
        self, step: Callable[[dict[str, torch.Tensor]], torch.Tensor], model: nn.Module, batch: dict[str, torch.Tensor]
    ):
        self._batch = {name: values.clone() for name, values in batch.items()}
        self._weights = [weights for weights in model.parameters() if weights.requires_grad]
        random_state = torch.cuda.get_rng_state()
        buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
        model.zero_grad(set_to_none=True)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                step(self._batch)
                model.zero_grad(set_to_none=True)
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.set_rng_state(random_state)
        for buffer, before in buffers:
            buffer.copy_(before)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = step(self._batch)
        self._gradients = [weights.grad for weights in self._weights]

    def fits(self, batch: dict[str, torch.Tensor]) -> bool:
        """Whether a batch has the shapes of the recorded one."""
        return {name: values.shape for name, values in batch.items()} == {
            name: values.shape for name, values in self._batch.items()
        }

    def __call__(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Replay the step with a batch that fits; each weight has its gradient afterwards.

        Returns:
            The loss, a tensor that the next replay overwrites.
        """
        for name, values in batch.items():
            self._batch[name].copy_(values)
        self._graph.replay()
        for weights, gradient in zip(self._weights, self._gradients, strict=True):
            weights.grad = gradient
        return self._loss
