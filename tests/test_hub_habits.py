"""What others do with a vision model of transformers, tried with every model class of this project."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import make_face, make_tiny_backbone_config, make_tiny_config, make_tiny_transfer_config
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageClassification,
    PreTrainedConfig,
    PreTrainedModel,
    Trainer,
    TrainingArguments,
    set_seed,
)

from fer_models import FerImageProcessor
from fer_models.configuration_fer import FER_LABELS
from fer_models.zoo import CHECKPOINTS_DIR

SIZE = {"height": 20, "width": 20}
ID2LABEL = dict(enumerate(FER_LABELS))


Make = Callable[..., PreTrainedModel]
CONFIGS: dict[str, Callable[..., PreTrainedConfig]] = {
    "cnn": lambda **overrides: make_tiny_config(batch_norm=True, dense_sizes=[6], **overrides),
    "transfer": make_tiny_transfer_config,
    "backbone of transformers": make_tiny_backbone_config,
}


def make_model(config: PreTrainedConfig, auto_class: Any = AutoModelForImageClassification) -> PreTrainedModel:
    set_seed(0)
    return auto_class.from_config(config).eval()


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys())
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a model of each class: `make(AutoModel, temperature=2.0)`."""
    return lambda auto_class=AutoModelForImageClassification, **overrides: make_model(
        request.param(**overrides), auto_class
    )


def make_faces(count: int = 4) -> torch.Tensor:
    """`(count, 1, 20, 20)`, float32, in [0, 1]."""
    return torch.rand((count, 1, 20, 20), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def warnings_given(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """What the models' own loggers say."""
    with caplog.at_level(logging.WARNING):
        yield lambda: " ".join(record.getMessage() for record in caplog.records if record.name.startswith("fer_models"))


# Other labels.


PRIOR = {"class_prior": [0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2], "prior_strength": 0.4}


def test_classifier_for_other_labels_gets_no_old_temperature_and_no_prior(
    make: Make, tmp_path: Path, warnings_given: Callable[[], str]
) -> None:
    """What was fitted for seven labels changed the logits of three others."""
    make(temperature=1.7, **PRIOR).save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path, num_labels=7).temperature == 1.7
    assert warnings_given() == ""
    model, told = AutoModelForImageClassification.from_pretrained(
        tmp_path, num_labels=3, ignore_mismatched_sizes=True, output_loading_info=True
    )
    config = model.config
    assert (config.num_labels, config.temperature, config.class_prior, config.prior_strength) == (3, 1, None, 0)
    assert "temperature 1.7" in warnings_given()
    assert len(told["mismatched_keys"]) == 2
    features = AutoModel.from_pretrained(tmp_path).eval()(make_faces()).pooler_output
    torch.testing.assert_close(model.eval()(make_faces()).logits, model.classifier(features))


def test_classifier_that_is_put_in_by_hand_gets_no_old_prior(make: Make) -> None:
    """It raised: seven shares were taken from three logits."""
    model = make(temperature=1.7, **PRIOR)
    model.classifier = nn.Linear(model.num_features, 3)
    features = model.compute_features(make_faces()).pooler_output
    torch.testing.assert_close(model(make_faces()).logits, model.classifier(features))


def test_classifier_on_a_saved_base_model_gets_no_old_temperature(make: Make, tmp_path: Path) -> None:
    base = make(AutoModel, temperature=1.7)
    base.save_pretrained(tmp_path)
    auto_map = json.loads((tmp_path / "config.json").read_text())["auto_map"]
    assert set(auto_map) == {"AutoConfig", "AutoModel", "AutoModelForImageClassification"}, "a stranger can do the same"
    model = AutoModelForImageClassification.from_pretrained(tmp_path)
    assert model.config.temperature == 1
    assert all(torch.equal(model.state_dict()[name], value) for name, value in base.state_dict().items())


def test_stored_classifier_keeps_its_temperature_under_labels_in_another_language(
    make: Make, tmp_path: Path, warnings_given: Callable[[], str]
) -> None:
    model = make(temperature=1.7)
    model.save_pretrained(tmp_path)
    labels = {index: f"Gesicht {index}" for index in range(7)}
    loaded = AutoModelForImageClassification.from_pretrained(tmp_path, id2label=labels)
    assert loaded.config.temperature == 1.7
    assert warnings_given() == ""
    assert torch.equal(loaded(make_faces()).logits, model(make_faces()).logits)


# Losses.


CLASSES, SEVERAL = torch.tensor([0, 3, 6, 1]), torch.eye(7)[[0, 3, 6, 1]]
LOSSES = {
    "int64 are classes": ({}, CLASSES, functional.cross_entropy),
    "floats are several labels": ({}, SEVERAL / 2, functional.binary_cross_entropy_with_logits),
    "seven numbers": ({"problem_type": "regression"}, torch.full((4, 7), 0.5), functional.mse_loss),
    "one label is a number": (
        {"id2label": {0: "valence"}},
        torch.tensor([0.5, -1.0, 0.0, 2.0]),
        lambda logits, labels: functional.mse_loss(logits[:, 0], labels),
    ),
}


@pytest.mark.parametrize(("options", "labels", "compute_loss"), LOSSES.values(), ids=LOSSES)
def test_loss_is_the_one_that_the_problem_has_whatever_the_call_before(
    options: dict[str, Any], labels: torch.Tensor, compute_loss: Callable[..., torch.Tensor], make: Make
) -> None:
    """The first labels decided for good: their problem was written into the configuration, and saved with it."""
    model = make(**options)
    before = model.config.to_dict()
    if not options:
        for others in (CLASSES, SEVERAL):
            model(make_faces(), labels=others)
    output = model(make_faces(), labels=labels)
    torch.testing.assert_close(output.loss, compute_loss(output.logits, labels))
    assert model.config.to_dict() == before


# The Trainer.


def fine_tune(model: PreTrainedModel, folder: Path, **options: Any) -> Trainer:
    rows = [{"pixel_values": face, "labels": index % 3} for index, face in enumerate(make_faces(8))]
    quiet = {"report_to": "none", "use_cpu": True, "disable_tqdm": True, "save_strategy": "no"}
    args = TrainingArguments(str(folder), **{"learning_rate": 0.01, **quiet, **options})
    trainer = Trainer(model, args, train_dataset=rows)
    trainer.train()
    return trainer


def test_stock_trainer_fine_tunes_for_other_labels_in_bfloat16(make: Make, tmp_path: Path) -> None:
    make(temperature=1.7).save_pretrained(tmp_path / "old")
    model = AutoModelForImageClassification.from_pretrained(
        tmp_path / "old", num_labels=3, ignore_mismatched_sizes=True
    )
    trainer = fine_tune(model, tmp_path, num_train_epochs=15, per_device_train_batch_size=8, logging_steps=1, bf16=True)
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert losses[-1] < 0.9 * losses[0]
    trainer.save_model(tmp_path / "new")
    loaded = AutoModelForImageClassification.from_pretrained(tmp_path / "new")
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in loaded.state_dict().items())
    assert loaded.config.temperature == 1


def test_accumulated_gradients_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    """Of a model whose faces know nothing of each other, as they do in batch normalisation."""
    weights = []
    for batch_size, steps in ((8, 1), (2, 4)):
        model = make_model(make_tiny_config(num_labels=3))
        before = model.classifier.weight.clone()
        sizes = {"per_device_train_batch_size": batch_size, "gradient_accumulation_steps": steps}
        fine_tune(model, tmp_path, max_steps=1, optim="sgd", max_grad_norm=0.0, learning_rate=1.0, **sizes)
        assert not torch.equal(model.classifier.weight, before)
        weights.append(model.state_dict())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-4, atol=1e-5)


def test_gradient_checkpointing_is_refused_with_a_sentence(make: Make) -> None:
    """As in ConvNeXt and ResNet of transformers: batch normalisation would count each batch twice."""
    with pytest.raises(ValueError, match="ForImageClassification does not support"):
        make().gradient_checkpointing_enable()


# Half precision.


def test_model_in_half_precision_takes_what_the_processor_makes(make: Make, tmp_path: Path) -> None:
    """It raised: the convolution wanted both in one dtype."""
    pixel_values = FerImageProcessor(size=SIZE)([make_face()] * 2, return_tensors="pt")["pixel_values"]
    assert pixel_values.dtype == torch.float32
    for auto_class in (AutoModel, AutoModelForImageClassification):
        model = make(auto_class)
        model.save_pretrained(tmp_path)
        expected = model(pixel_values, return_dict=False)[0]
        halves = model.to(torch.bfloat16), auto_class.from_pretrained(tmp_path, dtype=torch.float16)
        for half in halves:
            answer = half(pixel_values, return_dict=False)[0]
            assert answer.dtype == half.dtype
            torch.testing.assert_close(answer.float(), expected, rtol=0.05, atol=0.05)


def test_integer_pixels_are_refused(make: Make) -> None:
    """A cast would take 255 for a brightness of 255 instead of 1."""
    with pytest.raises(ValueError, match=r"be float; got \(4, 1, 20, 20\), torch.uint8"):
        make()(torch.ones(4, 1, 20, 20, dtype=torch.uint8))


# Base models.


def test_auto_model_gives_what_the_classifier_gets(make: Make, tmp_path: Path) -> None:
    """`AutoModel` did not know the configuration."""
    model = make(temperature=1.7)
    model.save_pretrained(tmp_path)
    base = AutoModel.from_pretrained(tmp_path).eval()
    assert base.state_dict().keys() == {name for name in model.state_dict() if not name.startswith("classifier.")}
    output, whole = base(make_faces(), output_hidden_states=True), model(make_faces(), output_hidden_states=True)
    assert output.pooler_output.shape == (4, base.num_features)
    assert torch.equal(model.classifier(output.pooler_output) / 1.7, whole.logits)
    assert all(map(torch.equal, output.hidden_states, whole.hidden_states))
    assert torch.equal(output.hidden_states[-1], output.last_hidden_state)
    last, pooled = base(make_faces(), return_dict=False)
    assert torch.equal(last, output.last_hidden_state)
    assert torch.equal(pooled, output.pooler_output)


@pytest.mark.parametrize("folder", sorted(CHECKPOINTS_DIR.iterdir()), ids=lambda folder: folder.name)
def test_checkpoint_that_was_pushed_once_can_be_loaded_for_good(folder: Path) -> None:
    config = AutoConfig.from_pretrained(folder)
    with torch.device("meta"):
        model = AutoModelForImageClassification.from_config(config)
    assert load_file(folder / "model.safetensors").keys() == model.state_dict().keys()
    assert config.problem_type is None


# What tools ask a model for.


def test_input_embeddings_are_the_first_convolution(make: Make) -> None:
    for auto_class in (AutoModel, AutoModelForImageClassification):
        model = make(auto_class)
        first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
        assert model.get_input_embeddings() is first


def test_arguments_of_other_vision_models_do_no_harm(make: Make) -> None:
    """`output_attentions` was a TypeError; there are none, as in ConvNeXt."""
    model = make()
    expected = model(make_faces()).logits
    for name in ("output_attentions", "interpolate_pos_encoding"):
        output = model(make_faces(), **{name: True})
        assert torch.equal(output.logits, expected)
        assert set(output) == {"logits"}


@pytest.mark.parametrize("make", [CONFIGS["cnn"]], indirect=True)
def test_forward_compiles_to_one_graph(make: Make) -> None:
    model = make()
    torch.compiler.reset()  # graphs of other tests count towards a limit
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    assert torch.equal(compiled(make_faces(), labels=torch.arange(4)).logits, model(make_faces()).logits)
