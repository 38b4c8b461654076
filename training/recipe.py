"""Recipes: flat YAML files whose keys are the fields below or those of `transformers.TrainingArguments`."""

import argparse
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
import yaml
from huggingface_hub.errors import StrictDataclassError
from transformers import HfArgumentParser, TrainingArguments

from fer_models.zoo import get_entry

from .augmentation import AugmentationArguments
from .data import PROTOCOLS, find_data
from .objective import HEAD_LABELS, TARGETS
from .pretrained import PACKAGED, check_pretrained
from .runtime.runs import list_trial_settings

RUNS_DIR = Path("runs")
# What every recipe shares: one evaluation, one line and one checkpoint an epoch, or as `evaluate_every` says. The
# second-newest checkpoint is kept in case the newest was cut short while it was written.
SHARED_DEFAULTS: dict[str, Any] = {
    "eval_strategy": "epoch",
    "logging_strategy": "epoch",
    "save_strategy": "epoch",
    "save_total_limit": 2,
    "restore_callback_states_from_checkpoint": True,  # how long early stopping has waited
    "per_device_eval_batch_size": 64,
    "remove_unused_columns": False,  # the data set makes whole batches with no other columns
    "report_to": "none",
    "hub_strategy": "end",
    "use_cpu": not torch.accelerator.is_available(),  # unless told so, processes without a GPU do not find each other
}


@dataclass(kw_only=True)
class RecipeArguments(AugmentationArguments):
    """What a recipe says beyond `transformers.TrainingArguments`: these fields, and how faces are augmented."""

    model: str = field(metadata={"help": "Name of the model, one of fer_models.zoo.ZOO."})
    protocol: str = field(metadata={"help": f"Split of the data: {' or '.join(PROTOCOLS)}."})
    config_overrides: str = field(
        default="{}", metadata={"help": "JSON object of fields of the model's configuration to change."}
    )
    channels_last: bool = field(
        default=False, metadata={"help": "Keep the weights in channels-last memory order; see docs/training.md."}
    )
    data: str = field(
        default_factory=find_data,
        metadata={
            "help": "Parquet folder, Kaggle folders, CSV file or Hub id of FER2013; FER_DATA changes the default."
        },
    )
    samples_per_class: int | None = field(
        default=None, metadata={"help": "Use only the first images of each class, in every split: a trial run."}
    )
    pretrained: str = field(
        default="",
        metadata={
            "help": f"Backbone to start from: one of {', '.join(PACKAGED)}, or the Hub's id or the folder of one of "
            "transformers."
        },
    )
    widened_from: str = field(
        default="",
        metadata={
            "help": "Folder of the same model with fewer filters or smaller faces, trained already, from which this "
            "one goes on; where a recipe names the run of its own seed, each seed goes on from its own."
        },
    )
    frozen_epochs: int = field(
        default=0, metadata={"help": "In so many epochs, from the first, the classifier learns alone."}
    )
    head_learning_rate: float | None = field(
        default=None, metadata={"help": "Learning rate of the classifier; by default learning_rate."}
    )
    teachers: str = field(
        default="[]", metadata={"help": "JSON list of folders of trained models whose mean answer is learnt, too."}
    )
    views: str = field(
        default="",
        metadata={
            "help": "File of training.views: views of the training faces with the teachers' answers, made once; in "
            "place of teachers."
        },
    )
    target: str = field(
        default="label",
        metadata={
            "help": "What is learnt: label (FER2013's), votes (the distribution of FER+'s), mix of both, or heads, for "
            "a teacher with one head for each."
        },
    )
    votes_weight: float = field(
        default=0.5, metadata={"help": "Share of the votes in mix, and in the loss of heads; in [0, 1]."}
    )
    logit_adjustment: float = field(
        default=0.0,
        metadata={
            "help": "Strength with which the classes' shares are added to the logits in training, so that rare ones "
            "are not lost; 0 or more, 1 for balanced classes."
        },
    )
    mixup_alpha: float = field(
        default=0.0, metadata={"help": "Faces are blended in pairs by draws of Beta(alpha, alpha); 0 for none."}
    )
    cuda_graph: bool = field(
        default=True, metadata={"help": "On one GPU, record the training step once and replay it."}
    )
    evaluate_every: int = field(
        default=1, metadata={"help": "Measure on validation, and keep a checkpoint, every so many epochs."}
    )
    distillation_weight: float = field(
        default=0.5, metadata={"help": "Weight of the teachers' answer against the labels, in [0, 1]."}
    )
    distillation_temperature: float = field(
        default=2.0, metadata={"help": "Divides the logits of teachers and learner in that part of the loss; above 0."}
    )
    ema_decay: float = field(
        default=0.0, metadata={"help": "Weight of the old average of the weights at each step, in (0, 1); 0 for none."}
    )
    early_stopping_patience: int | None = field(
        default=None,
        metadata={"help": "Stop after so many measurements without a gain in metric_for_best_model; the best is kept."},
    )
    early_stopping_threshold: float = field(
        default=0.0, metadata={"help": "The least that counts as a gain, in units of metric_for_best_model."}
    )
    trial: bool = field(
        default=False,
        metadata={"help": "Never bundle or push this run; fewer epochs than the recipe's make it so, too."},
    )
    resume: bool = field(default=True, metadata={"help": "Go on from the newest complete checkpoint, if there is one."})

    def __post_init__(self) -> None:
        super().__post_init__()
        get_entry(self.model)
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}; got {self.protocol!r}.")
        if self.samples_per_class is not None and self.samples_per_class < 1:
            raise ValueError(f"samples_per_class must be 1 or more; got {self.samples_per_class}.")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay must lie in [0, 1); got {self.ema_decay}.")
        if self.early_stopping_patience is not None and self.early_stopping_patience < 1:
            raise ValueError(f"early_stopping_patience must be 1 or more; got {self.early_stopping_patience}.")
        if self.frozen_epochs < 0:
            raise ValueError(f"frozen_epochs must be 0 or more; got {self.frozen_epochs}.")
        if self.head_learning_rate is not None and not self.head_learning_rate >= 0:
            raise ValueError(f"head_learning_rate must be 0 or more; got {self.head_learning_rate}.")
        if not 0 <= self.distillation_weight <= 1:
            raise ValueError(f"distillation_weight must lie in [0, 1]; got {self.distillation_weight}.")
        if not 0 < self.distillation_temperature < float("inf"):
            raise ValueError(
                f"distillation_temperature must be a finite number above 0; got {self.distillation_temperature}."
            )
        if self.target not in TARGETS:
            raise ValueError(f"target must be one of {', '.join(TARGETS)}; got {self.target!r}.")
        if not 0 <= self.votes_weight <= 1:
            raise ValueError(f"votes_weight must lie in [0, 1]; got {self.votes_weight}.")
        for name in ("logit_adjustment", "mixup_alpha"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be 0 or more; got {getattr(self, name)}.")
        if self.evaluate_every < 1:
            raise ValueError(f"evaluate_every must be 1 or more; got {self.evaluate_every}.")
        if self.list_teachers() and (self.views or self.needs_objective):
            raise ValueError("teachers answers to faces with labels only: with another target, mixup or logit "
                             "adjustment, make views of them with python -m training.views.")  # fmt: skip
        if self.target == "heads" and (self.views or self.logit_adjustment):
            raise ValueError("A model with two heads learns from faces and votes as they are: without views, and "
                             "without logit_adjustment.")  # fmt: skip
        config = self.make_config()
        if self.pretrained:
            check_pretrained(config, self.pretrained)
            if self.widened_from:
                raise ValueError("A model starts from pretrained or from widened_from; name one of them.")

    @property
    def needs_objective(self) -> bool:
        """Whether there is more to learn than one label of each face, or teachers' answers to it."""
        return bool(self.target != "label" or self.views or self.mixup_alpha or self.logit_adjustment)

    def list_teachers(self) -> list[str]:
        """The folders of the teachers.

        Raises:
            ValueError: They are no list of texts.
        """
        try:
            teachers = json.loads(self.teachers)
        except ValueError:
            teachers = None
        if not isinstance(teachers, list) or not all(isinstance(teacher, str) for teacher in teachers):
            raise ValueError(f"teachers must be a list of folders; got {self.teachers!r}.")
        return teachers

    def make_config(self) -> Any:
        """The model's configuration.

        Raises:
            ValueError: An override is no field of the configuration, or its value is out of range.
        """
        try:
            overrides = json.loads(self.config_overrides)
        except ValueError as error:
            raise ValueError(f"config_overrides is not JSON: {error}; got {self.config_overrides!r}.") from error
        if not isinstance(overrides, dict):
            raise ValueError(f"config_overrides must be a JSON object; got {self.config_overrides!r}.")
        if self.target == "heads":
            overrides = {
                "id2label": dict(enumerate(HEAD_LABELS)),
                "label2id": {label: index for index, label in enumerate(HEAD_LABELS)},
            } | overrides
        config = get_entry(self.model).make_config()
        unknown = set(overrides) - {config_field.name for config_field in fields(config)}
        if unknown:
            raise ValueError(f"config_overrides: {type(config).__name__} has no field {', '.join(sorted(unknown))}.")
        try:
            return get_entry(self.model).make_config(**overrides)
        except StrictDataclassError as error:
            raise ValueError(f"config_overrides: {error}") from error


def make_parser(*types: type) -> HfArgumentParser:
    """Reads fields of dataclasses as options, never abbreviated, and raises ValueError; its help has no usage line."""
    options: dict[str, Any] = {
        "add_help": False,
        "usage": argparse.SUPPRESS,
        "exit_on_error": False,
        "allow_abbrev": False,
    }
    parser = HfArgumentParser(list(types), **options)  # type: ignore[arg-type]
    parser.error = _raise_value_error  # type: ignore[method-assign, assignment]
    return parser


def make_recipe_parser() -> HfArgumentParser:
    """Reads the fields of a recipe."""
    return make_parser(RecipeArguments, TrainingArguments)


def read_settings(path: Path, complaint: str, kind: type = dict) -> Any:
    """What a YAML file holds: settings by their keys, or a list.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds something else; `complaint` says what it is not.
    """
    try:
        settings = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} {complaint}: {error}") from error
    if not isinstance(settings, kind):
        lines = "key: value" if kind is dict else "- name"
        raise ValueError(f"{path} {complaint}: expected lines of the form `{lines}`.")
    return settings


def to_words(settings: dict[str, Any]) -> list[str]:
    """Settings as options, whose reader checks keys and types: `parse_yaml_file` would keep `1e-3` a string."""
    return [
        word
        for key, value in settings.items()
        for word in (f"--{key}", json.dumps(value) if isinstance(value, (dict, list)) else str(value))
    ]


def parse_recipe(recipe_path: str | Path, overrides: list[str]) -> tuple[RecipeArguments, TrainingArguments]:
    """Read a recipe; `overrides` are command-line arguments such as `["--seed", "1"]` and win.

    Raises:
        ValueError: The recipe cannot be read, a key is unknown, or a value has the wrong type or range.
    """
    recipe_path = Path(recipe_path)
    try:
        recipe = read_settings(recipe_path, "is no recipe")
    except OSError as error:
        raise ValueError(f"The recipe {recipe_path} cannot be read: {error.strerror}.") from error
    words, parser = to_words(SHARED_DEFAULTS | recipe) + overrides, make_recipe_parser()
    try:
        said = parser.parse_known_args(words)[0]
        if torch.cuda.is_available() and torch.cuda.is_bf16_supported() and not (said.fp16 or said.use_cpu):
            words = ["--bf16", "true", *words]  # unless told so; `TrainingArguments` reads it when it is made
        recipe_arguments, training_arguments = parser.parse_args_into_dataclasses(words, look_for_args_file=False)
    except argparse.ArgumentError as error:
        raise ValueError(f"{recipe_path}: {error}") from error
    if recipe_arguments.early_stopping_patience and not training_arguments.load_best_model_at_end:
        raise ValueError("early_stopping_patience waits for a better epoch: add load_best_model_at_end: true, and "
                         "metric_for_best_model: accuracy.")  # fmt: skip
    if not any(word.partition("=")[0] == "--widened_from" for word in overrides):
        recipe_arguments.widened_from = find_start(recipe, training_arguments.seed)
    if training_arguments.num_train_epochs < float(recipe.get("num_train_epochs", 0)):
        recipe_arguments.trial = True
    if training_arguments.output_dir in (None, "trainer_output"):
        is_trial = list_trial_settings(vars(recipe_arguments) | vars(training_arguments))
        folder = f"{'trial-' if is_trial else ''}seed-{training_arguments.seed}"
        training_arguments.output_dir = str(RUNS_DIR / recipe_path.stem / folder)
    training_arguments.dataloader_pin_memory = False  # the faces lie on the device already
    return recipe_arguments, training_arguments


def find_start(recipe: dict[str, Any], seed: int | str) -> str:
    """The folder that a recipe goes on from: with another seed than the recipe's, the run of that seed."""
    start = recipe.get("widened_from", "")
    is_of_its_seed = Path(start).name == f"seed-{recipe.get('seed')}"
    return str(Path(start).with_name(f"seed-{seed}")) if is_of_its_seed else start


def _raise_value_error(message: str) -> None:
    raise ValueError(message)
