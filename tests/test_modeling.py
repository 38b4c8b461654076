import math
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import make_tiny_config
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from fer_models import FerCnnConfig, FerCnnForImageClassification
from fer_models.configuration_fer import FER_LABELS
from fer_models.zoo import ZOO, get_entry

REVERSED_FILTERS = [256, 128, 64, 32]

# Trainable parameters, computed by hand from the report's Tables 3 to 6.
PARAMETER_COUNTS = {"baseline": 389_639, "dense": 406_599, "batchnorm": 391_047, "batchnorm-dropout": 391_047}


def make_model(name: str, **overrides: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    entry = get_entry(name)
    return entry.model_class(entry.make_config(**overrides)).eval()


def make_tiny_model(**overrides: Any) -> FerCnnForImageClassification:
    torch.manual_seed(0)
    return FerCnnForImageClassification(make_tiny_config(**overrides)).eval()


def make_batch(config: PreTrainedConfig, batch_size: int = 4) -> dict[str, torch.Tensor]:
    """`pixel_values (N, C, H, W)` in [0, 1] and `labels (N,)`."""
    generator = torch.Generator().manual_seed(1)
    shape = (batch_size, config.num_channels, config.image_size, config.image_size)
    return {
        "pixel_values": torch.rand(shape, generator=generator),
        "labels": torch.arange(batch_size) % config.num_labels,
    }


@pytest.fixture(params=list(ZOO))
def model(request: pytest.FixtureRequest) -> PreTrainedModel:
    """Every model of the zoo, in evaluation mode."""
    return make_model(request.param)


# Every model of the zoo.


def test_logits_are_one_finite_number_per_label_and_the_same_again(model: PreTrainedModel) -> None:
    pixel_values = make_batch(model.config)["pixel_values"]
    before = pixel_values.clone()
    logits = model(pixel_values).logits
    assert logits.shape == (4, len(FER_LABELS))
    assert logits.isfinite().all()
    assert list(model.config.id2label.values()) == list(FER_LABELS)
    assert torch.equal(model(pixel_values).logits, logits)
    assert torch.equal(pixel_values, before)  # the models' ReLU works in place
    channels_last = model.to(memory_format=torch.channels_last)(pixel_values.to(memory_format=torch.channels_last))
    torch.testing.assert_close(channels_last.logits, logits, rtol=1e-4, atol=1e-5)


def test_every_parameter_gets_a_gradient_and_the_loss_falls(model: PreTrainedModel) -> None:
    batch = make_batch(model.config)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=1e-3)
    losses = []
    for _ in range(8):
        loss = model(**batch).loss
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        if len(losses) == 1:
            without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
            assert without == []
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]


def test_saved_and_loaded_model_gives_the_same_bits(model: PreTrainedModel, tmp_path: Path) -> None:
    batch = make_batch(model.config)
    model.train()(**batch)  # moves the running statistics, which must be saved too
    model.eval().save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path)
    assert not loaded.training
    assert torch.equal(loaded(**batch).logits, model(**batch).logits)
    assert type(model.config).from_pretrained(tmp_path).to_dict() == model.config.to_dict()


# Keras' defaults, with which the report trained.


@pytest.mark.parametrize("name", PARAMETER_COUNTS)
def test_weights_start_glorot_uniform_and_biases_zero(name: str) -> None:
    for module in make_model(name).modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            weight = module.weight
            bound = math.sqrt(6 / (weight[0, 0].numel() * (weight.shape[0] + weight.shape[1])))
            assert 0.9 * bound < weight.abs().max() <= bound
            assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)  # of a uniform distribution
            assert not module.bias.any()


def test_batch_norm_is_that_of_keras() -> None:
    norms = [module for module in make_model("batchnorm").modules() if isinstance(module, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms] == REVERSED_FILTERS
    for norm in norms:
        assert (norm.momentum, norm.eps) == (0.01, 1e-3)
        assert [tensor.unique().tolist() for tensor in (norm.weight, norm.running_var)] == [[1], [1]]
        assert [tensor.unique().tolist() for tensor in (norm.bias, norm.running_mean)] == [[0], [0]]


# The report's tables once more, layer by layer and without our classes.


def make_reference(name: str) -> nn.Sequential:
    def pool() -> nn.Module:
        return nn.MaxPool2d(2)

    def norm(width: int) -> nn.Module:
        return nn.BatchNorm2d(width, momentum=0.01, eps=1e-3)

    table_3 = [
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), pool()),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), pool()),
        *(nn.Conv2d(64, 128, 3), nn.ReLU(), pool()),
        *(nn.Conv2d(128, 256, 3), nn.ReLU(), pool()),
        nn.Flatten(),
    ]
    table_5 = [
        *(nn.Conv2d(1, 256, 3), nn.ReLU(), norm(256), pool()),
        *(nn.Conv2d(256, 128, 3), nn.ReLU(), norm(128), pool()),
        *(nn.Conv2d(128, 64, 3), nn.ReLU(), norm(64), pool()),
        *(nn.Conv2d(64, 32, 3), nn.ReLU(), norm(32), pool()),
        nn.Flatten(),
        nn.Linear(32, 7),
    ]
    layers = {
        "baseline": [*table_3, nn.Linear(256, 7)],
        "dense": [*table_3, nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 7)],
        "batchnorm": table_5,
        "batchnorm-dropout": [*table_5[:4], nn.Dropout(0.25), *table_5[4:12], nn.Dropout(0.25), *table_5[12:]],
    }
    return nn.Sequential(*layers[name])


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("name", PARAMETER_COUNTS)
def test_logits_equal_the_report_table_built_from_plain_layers(name: str, training: bool) -> None:
    model, reference = make_model(name), make_reference(name)
    batch = make_batch(model.config)
    model.train()(**batch)  # running statistics away from 0 and 1
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == PARAMETER_COUNTS[name]
    weights = zip(reference.state_dict(), model.state_dict().values(), strict=True)
    reference.load_state_dict(dict(weights))
    with torch.no_grad():
        torch.manual_seed(2)  # the same dropout in both
        expected = reference.train(training)(batch["pixel_values"])
        torch.manual_seed(2)
        logits = model.train(training)(**batch).logits
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


# Hidden states, shapes.


def test_hidden_states_are_the_feature_maps() -> None:
    for overrides, shapes in (
        ({"filters": [4], "num_pools": 0}, [(4, 18, 18)]),
        ({}, [(4, 9, 9), (8, 3, 3)]),
        ({"num_pools": 1}, [(4, 9, 9), (8, 7, 7)]),
        ({"image_size": 10}, [(4, 4, 4), (8, 1, 1)]),  # the smallest image: one pixel is left
    ):
        model = make_tiny_model(**overrides)
        pixel_values = make_batch(model.config)["pixel_values"]
        assert model(pixel_values).hidden_states is None
        output = model(pixel_values, output_hidden_states=True)
        assert [tuple(state.shape[1:]) for state in output.hidden_states] == shapes
        assert torch.equal(model.classifier(output.hidden_states[-1].flatten(1)), output.logits)
        model.config.output_hidden_states = True
        assert all(map(torch.equal, model(pixel_values).hidden_states, output.hidden_states))


@pytest.mark.parametrize("shape", [(0,), (1, 48, 48), (2, 3, 48, 48), (2, 1, 48, 64)], ids=str)
def test_wrong_input_shape_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="pixel_values must have the shape") as error:
        make_model("baseline")(torch.zeros(shape))
    assert "(N, 1, 48, 48)" in str(error.value)
    assert str(shape) in str(error.value)
    assert make_model("baseline")(torch.zeros(0, 1, 48, 48)).logits.shape == (0, 7), "an empty batch is no error"


# The configuration.


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        pytest.param("filters", [], "at least one", id="no blocks"),
        pytest.param("filters", [4, 0], "each 1 or more", id="a block without filters"),
        pytest.param("num_channels", 0, "1 or more", id="no channels"),
        pytest.param("kernel_size", 0, "1 or more", id="no kernel"),
        pytest.param("image_size", 9, "too small", id="nothing left after the blocks"),
        pytest.param("num_pools", 3, "between 0 and the number of blocks (2)", id="more pools than blocks"),
        pytest.param("block_dropout", [0.1], "one probability per block (2)", id="one value for two blocks"),
        pytest.param("block_dropout", [0.1, 1.0], "in [0, 1)", id="everything dropped"),
        pytest.param("block_dropout", [0.1, math.nan], "in [0, 1)", id="NaN compares false with everything"),
        pytest.param("dense_sizes", [0], "1 or more", id="layer without width"),
        pytest.param("batch_norm_momentum", math.nan, "(0, 1]", id="NaN compares false with everything "),
        pytest.param("temperature", 0.0, "temperature", id="division by zero"),
        pytest.param("temperature", -1.0, "temperature", id="the other way round"),
        pytest.param("temperature", math.nan, "temperature", id="no number"),
        pytest.param("filters", 8, "filters", id="a number for a list"),
        pytest.param("image_size", "20", "image_size", id="text, as a careless recipe gives it"),
        pytest.param("batch_norm_eps", "1e-3", "batch_norm_eps", id="text, as YAML reads 1e-3"),
        pytest.param("batch_norm_eps", math.nan, "positive", id="NaN compares false with everything  "),
    ],
)
def test_value_out_of_range_or_of_the_wrong_type_is_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(StrictDataclassError) as error:
        make_tiny_config(**{field: value})
    message = str(error.value)
    assert field in message
    assert words in message
    assert str(value) in message


def test_default_configuration_is_the_baseline() -> None:
    assert get_entry("baseline").make_config().to_dict() == FerCnnConfig().to_dict()
