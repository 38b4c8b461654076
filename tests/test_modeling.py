import math
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import make_tiny_config
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from fer_models import FerCnnConfig, FerCnnForImageClassification, list_models
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


def test_models_without_a_known_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no model ''.*baseline, dense, batchnorm, batchnorm-dropout"):
        get_entry("")


def test_models_are_listed_in_the_report_order() -> None:
    assert list_models()[:4] == list(ZOO)[:4] == list(PARAMETER_COUNTS)


@pytest.mark.parametrize(("name", "expected"), PARAMETER_COUNTS.items())
def test_trainable_parameters_equal_the_report(name: str, expected: int) -> None:
    assert sum(p.numel() for p in make_model(name).parameters() if p.requires_grad) == expected


def test_logits_have_one_finite_number_per_label(model: PreTrainedModel) -> None:
    logits = model(make_batch(model.config)["pixel_values"]).logits
    assert logits.shape == (4, len(FER_LABELS))
    assert logits.isfinite().all()
    assert list(model.config.id2label.values()) == list(FER_LABELS)


def test_every_parameter_gets_a_gradient(model: PreTrainedModel) -> None:
    model.train()(**make_batch(model.config)).loss.backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_loss_falls_on_one_batch(model: PreTrainedModel) -> None:
    batch = make_batch(model.config)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=1e-3)
    losses = []
    for _ in range(10):
        loss = model(**batch).loss
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]


def test_saved_and_loaded_model_gives_the_same_bits(model: PreTrainedModel, tmp_path: Path) -> None:
    batch = make_batch(model.config)
    model.train()(**batch)  # moves the running statistics, which must be saved too
    model.eval().save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path)
    assert not loaded.training
    assert torch.equal(loaded(**batch).logits, model(**batch).logits)


def test_evaluation_is_deterministic_and_leaves_its_input_alone(model: PreTrainedModel) -> None:
    pixel_values = make_batch(model.config)["pixel_values"]
    before = pixel_values.clone()
    assert torch.equal(model(pixel_values).logits, model(pixel_values).logits)
    assert torch.equal(pixel_values, before)  # the models' ReLU works in place


def test_loss_is_given_only_with_labels(model: PreTrainedModel) -> None:
    batch = make_batch(model.config)
    assert model(batch["pixel_values"]).loss is None
    output = model(**batch)
    probabilities = output.logits.softmax(-1)[range(4), batch["labels"]]
    assert output.loss.item() == pytest.approx(-probabilities.log().mean().item(), rel=1e-5)


def test_tuple_holds_the_same_as_the_output(model: PreTrainedModel) -> None:
    batch = make_batch(model.config)
    output = model(**batch, output_hidden_states=True)
    loss, logits, hidden_states = model(**batch, output_hidden_states=True, return_dict=False)
    assert torch.equal(loss, output.loss)
    assert torch.equal(logits, output.logits)
    assert all(map(torch.equal, hidden_states, output.hidden_states))
    (logits,) = model(batch["pixel_values"], return_dict=False)
    assert torch.equal(logits, output.logits)


def test_channels_last_gives_the_same_logits(model: PreTrainedModel) -> None:
    pixel_values = make_batch(model.config)["pixel_values"]
    expected = model(pixel_values).logits
    model = model.to(memory_format=torch.channels_last)
    logits = model(pixel_values.to(memory_format=torch.channels_last)).logits
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


# Keras' defaults, with which the report trained.


@pytest.mark.parametrize("name", PARAMETER_COUNTS)
def test_weights_start_glorot_uniform_and_biases_zero(name: str) -> None:
    for module in make_model(name).modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            assert_glorot_uniform(module.weight)
            assert not module.bias.any()


def assert_glorot_uniform(weight: torch.Tensor) -> None:
    receptive_field = weight[0, 0].numel()
    bound = math.sqrt(6 / (receptive_field * (weight.shape[0] + weight.shape[1])))
    assert weight.abs().max() <= bound
    assert weight.abs().max() > 0.9 * bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)  # of a uniform distribution


@pytest.mark.parametrize("name", ["batchnorm", "batchnorm-dropout"])
def test_batch_norm_is_that_of_keras(name: str) -> None:
    norms = [module for module in make_model(name).modules() if isinstance(module, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms] == REVERSED_FILTERS
    for norm in norms:
        assert (norm.momentum, norm.eps) == (0.01, 1e-3)
        assert (norm.weight == 1).all()
        assert not norm.bias.any()
        assert not norm.running_mean.any()
        assert (norm.running_var == 1).all()


def test_dropout_is_off_in_evaluation() -> None:
    model = make_model("batchnorm-dropout")
    pixel_values = make_batch(model.config)["pixel_values"]
    assert torch.equal(model(pixel_values).logits, model(pixel_values).logits)
    model.train()
    assert not torch.equal(model(pixel_values).logits, model(pixel_values).logits)


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
    weights = zip(reference.state_dict(), model.state_dict().values(), strict=True)
    reference.load_state_dict(dict(weights))
    with torch.no_grad():
        torch.manual_seed(2)  # the same dropout in both
        expected = reference.train(training)(batch["pixel_values"])
        torch.manual_seed(2)
        logits = model.train(training)(**batch).logits
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "overrides", "flatten_width"),
    [
        pytest.param("baseline", {}, 256, id="printed Table 3"),
        pytest.param("batchnorm", {}, 32, id="printed Table 5"),
        pytest.param("baseline", {"num_pools": 3}, 1024, id="notebook's model 1 has no fourth pool"),
        pytest.param("batchnorm", {"num_pools": 3}, 128, id="notebook's model 3 has no fourth pool"),
        pytest.param("batchnorm-dropout", {"num_pools": 3}, 128, id="notebook's model 4 has no fourth pool"),
        pytest.param("dense", {"filters": REVERSED_FILTERS}, 32, id="notebook's model 2 has the filters reversed"),
    ],
)
def test_variants_of_the_notebook_take_one_field(name: str, overrides: dict[str, Any], flatten_width: int) -> None:
    model = make_model(name, **overrides)
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert linears[0].in_features == flatten_width
    assert model(make_batch(model.config)["pixel_values"]).logits.shape == (4, 7)


# Hidden states, labels, shapes.


@pytest.mark.parametrize(
    ("overrides", "shapes"),
    [
        pytest.param({"filters": [4], "num_pools": 0}, [(4, 18, 18)], id="no pool"),
        pytest.param({}, [(4, 9, 9), (8, 3, 3)], id="each block pooled"),
        pytest.param({"num_pools": 1}, [(4, 9, 9), (8, 7, 7)], id="only the first block pooled"),
        pytest.param({"kernel_size": 5}, [(4, 8, 8), (8, 2, 2)], id="a larger kernel takes more of the border"),
        pytest.param({"batch_norm": True}, [(4, 9, 9), (8, 3, 3)], id="batch norm keeps the shape"),
    ],
)
def test_hidden_states_are_the_feature_maps(overrides: dict[str, Any], shapes: list[tuple[int, ...]]) -> None:
    model = make_tiny_model(**overrides)
    pixel_values = make_batch(model.config)["pixel_values"]
    assert model(pixel_values).hidden_states is None
    output = model(pixel_values, output_hidden_states=True)
    assert [tuple(state.shape[1:]) for state in output.hidden_states] == shapes
    assert torch.equal(model.classifier(output.hidden_states[-1].flatten(1)), output.logits)


def test_hidden_states_can_be_asked_for_in_the_configuration() -> None:
    model = make_tiny_model(output_hidden_states=True)
    assert len(model(make_batch(model.config)["pixel_values"]).hidden_states) == 2


@pytest.mark.parametrize(
    ("overrides", "id2label"),
    [
        pytest.param({}, dict(enumerate(FER_LABELS)), id="FER2013's seven"),
        pytest.param({"num_labels": 3}, {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, id="another number, no names"),
        pytest.param({"id2label": {0: "calm", 1: "tense"}}, {0: "calm", 1: "tense"}, id="names of one's own"),
    ],
)
def test_labels_can_be_changed(overrides: dict[str, Any], id2label: dict[int, str]) -> None:
    model = make_tiny_model(**overrides)
    assert model.config.id2label == id2label
    assert model(make_batch(model.config)["pixel_values"]).logits.shape == (4, len(id2label))


def test_new_head_on_trained_blocks_starts_glorot_uniform(tmp_path: Path) -> None:
    model = make_tiny_model()
    model.save_pretrained(tmp_path)
    labels = {index: f"expression {index}" for index in range(20)}
    loaded = FerCnnForImageClassification.from_pretrained(tmp_path, id2label=labels, ignore_mismatched_sizes=True)
    assert torch.equal(loaded.blocks[0].conv.weight, model.blocks[0].conv.weight)
    assert loaded.classifier.out_features == 20
    assert_glorot_uniform(loaded.classifier.weight)
    assert not loaded.classifier.bias.any()


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((0,), id="nothing"),
        pytest.param((1, 48, 48), id="the batch dimension is missing"),
        pytest.param((2, 3, 48, 48), id="RGB"),
        pytest.param((2, 48, 48, 1), id="channels last, as in NumPy"),
        pytest.param((2, 1, 47, 48), id="another height"),
        pytest.param((2, 1, 48, 64), id="another width"),
        pytest.param((1, 2, 1, 48, 48), id="a dimension too many"),
    ],
)
def test_wrong_input_shape_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="pixel_values must have the shape") as error:
        make_model("baseline")(torch.zeros(shape))
    assert "(N, 1, 48, 48)" in str(error.value)
    assert str(shape) in str(error.value)


def test_empty_batch_gives_no_logits() -> None:
    assert make_model("baseline")(torch.zeros(0, 1, 48, 48)).logits.shape == (0, 7)


# The configuration.


def test_configuration_is_the_same_after_saving(tmp_path: Path) -> None:
    for name, entry in ZOO.items():
        config = entry.make_config()
        config.save_pretrained(tmp_path / name)
        assert type(config).from_pretrained(tmp_path / name).to_dict() == config.to_dict()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        pytest.param("filters", [], "at least one", id="no blocks"),
        pytest.param("filters", [4, 0], "each 1 or more", id="a block without filters"),
        pytest.param("num_channels", 0, "1 or more", id="no channels"),
        pytest.param("kernel_size", 0, "1 or more", id="no kernel"),
        pytest.param("kernel_size", 30, "too small", id="kernel larger than the image"),
        pytest.param("image_size", 9, "too small", id="nothing left after the blocks"),
        pytest.param("num_pools", -1, "between 0 and the number of blocks (2)", id="below none"),
        pytest.param("num_pools", 3, "between 0 and the number of blocks (2)", id="more pools than blocks"),
        pytest.param("block_dropout", [0.1], "one probability per block (2)", id="one value for two blocks"),
        pytest.param("block_dropout", [0.1, 1.0], "in [0, 1)", id="everything dropped"),
        pytest.param("block_dropout", [0.1, -0.1], "in [0, 1)", id="negative probability"),
        pytest.param("block_dropout", [0.1, math.nan], "in [0, 1)", id="NaN compares false with everything"),
        pytest.param("dense_sizes", [0], "1 or more", id="layer without width"),
        pytest.param("batch_norm_momentum", 0.0, "(0, 1]", id="statistics never move"),
        pytest.param("batch_norm_momentum", 1.1, "(0, 1]", id="above one"),
        pytest.param("batch_norm_momentum", math.nan, "(0, 1]", id="NaN compares false with everything "),
        pytest.param("batch_norm_eps", 0.0, "positive", id="division by zero"),
        pytest.param("batch_norm_eps", math.nan, "positive", id="NaN compares false with everything  "),
    ],
)
def test_value_out_of_range_is_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(StrictDataclassError) as error:
        make_tiny_config(**{field: value})
    message = str(error.value)
    assert field in message
    assert words in message
    assert str(value) in message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("filters", None, id="nothing"),
        pytest.param("filters", 8, id="a number for a list"),
        pytest.param("filters", [4.5, 8], id="half a filter"),
        pytest.param("image_size", "20", id="text, as a careless recipe gives it"),
        pytest.param("kernel_size", 3.0, id="float for int"),
        pytest.param("num_pools", True, id="bool for int"),
        pytest.param("batch_norm", 1, id="int for bool"),
        pytest.param("batch_norm_eps", "1e-3", id="text, as YAML reads 1e-3"),
        pytest.param("block_dropout", 0.25, id="one probability for a list"),
        pytest.param("dense_sizes", ["64"], id="text in a list"),
    ],
)
def test_value_of_the_wrong_type_is_refused(field: str, value: Any) -> None:
    with pytest.raises(StrictDataclassError, match=field):
        make_tiny_config(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("dense_sizes", [], id="no dense layer"),
        pytest.param("block_dropout", [], id="no dropout"),
        pytest.param("num_pools", 0, id="no pool"),
        pytest.param("image_size", 10, id="the smallest image: one pixel is left"),
        pytest.param("batch_norm_momentum", 1.0, id="only the last batch counts"),
        pytest.param("num_channels", 3, id="colour"),
        pytest.param("filters", (4, 8), id="a tuple is as good as a list"),
    ],
)
def test_value_at_the_edge_is_taken(field: str, value: Any) -> None:
    model = make_tiny_model(**{field: value})
    assert getattr(model.config, field) == value
    assert model(make_batch(model.config)["pixel_values"]).logits.shape == (4, 7)


def test_default_configuration_is_the_baseline() -> None:
    assert get_entry("baseline").make_config().to_dict() == FerCnnConfig().to_dict()
