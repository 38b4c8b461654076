"""Train one model by a recipe: `python -m training.train training/recipes/baseline.report.yaml [--seed 1 ...]`.

Writes `runs/<recipe>/seed-<seed>/`, or for a trial `trial-seed-<seed>/`: checkpoints, the final model and image
processor, the resolved recipe (`recipe.yaml`), the curves (`history.json`) and where they come from (`run.json`).
Interrupted, it goes on from the newest checkpoint when it is started again.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from accelerate.utils import broadcast_object_list
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.trainer import TRAINING_ARGS_NAME
from transformers.trainer_utils import EvalPrediction

from fer_models import FerImageProcessor
from fer_models.commands import CommandParser, command
from fer_models.configuration_fer import FER_LABELS
from fer_models.hub import compute_fingerprint
from fer_models.memory import keep_freed_memory
from fer_models.zoo import get_entry

from .augmentation import AugmentationArguments, augment
from .data import DataError, FaceTensors, collate_batch, decode, keep_first_per_class, load_fer2013
from .distillation import Distillation
from .ema import EmaCallback
from .net2net import describe_start, widen
from .objective import HEAD_LABELS, NUM_LABELS, Objective, adjust_logits, mix_up
from .pretrained import load_trained, make_pretrained
from .publishing.hub_run import make_repo, push_run
from .publishing.hub_sync import PushError
from .recipe import RecipeArguments, make_recipe_parser, parse_recipe
from .runtime.callbacks import HEAD, EpochLine, EvaluateEvery, FrozenBackbone, ProgressBar, Stopwatch, make_history
from .runtime.cuda_graph import RecordedStep
from .runtime.distributed import OwnRandomness, count_own_images, share_batch, share_buffers, synchronize_batch_norm
from .runtime.files import report_failed_writes, write_json, write_text
from .runtime.provenance import describe_environment
from .runtime.runs import (
    check_run_folder,
    check_same_recipe,
    delete_run,
    find_resumable_checkpoint,
    list_trial_settings,
)
from .training_set import TrainingSet, load_views, make_training_set
from .views import describe_views
from .votes import NO_MAJORITY, NO_VOTES, find_majority, read_votes


class FerTrainer(Trainer):
    """The Trainer, with augmented faces and the training accuracy that Keras prints: over an epoch, as it goes."""

    def __init__(
        self,
        *args: Any,
        augmentation: AugmentationArguments,
        head_learning_rate: float | None = None,
        distillation: Distillation | None = None,
        objective: Objective | None = None,
        mixup_alpha: float = 0.0,
        cuda_graph: bool = False,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self._objective, self._mixup_alpha = objective, mixup_alpha
        # A replay overwrites the gradients of the step before, which must be used up by then.
        alone = self.args.world_size == self.args.n_gpu == self.args.gradient_accumulation_steps == 1
        self._records = cuda_graph and self.args.device.type == "cuda" and alone
        self._recorded: RecordedStep | None = None
        self._augmentation = augmentation
        self._head_learning_rate = head_learning_rate
        self._distillation = distillation and distillation.to(self.args.device)
        self._correct_and_seen = torch.zeros(2, dtype=torch.int64, device=self.args.device)

    def create_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        is_new = self.optimizer is None
        optimizer = super().create_optimizer(*args, **kwargs)
        if is_new and self._head_learning_rate is not None:
            give_head_its_rate(optimizer, self.accelerator.unwrap_model(self.model), self._head_learning_rate)
        return optimizer

    def training_step(self, model, inputs, num_items_in_batch=None):  # type: ignore[no-untyped-def]
        step = partial(super().training_step, model, num_items_in_batch=None)
        if not self._records:
            return step(inputs)
        if self._recorded is None:
            self._recorded = RecordedStep(step, model, inputs)
            self._correct_and_seen.zero_()  # the steps that warm it up have counted
        return self._recorded(inputs) if self._recorded.fits(inputs) else step(inputs)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):  # type: ignore[no-untyped-def]
        own, weight = count_own_images(self.accelerator, len(inputs["labels"]))
        # A process with no image of its own computes one all the same, for the others wait for its gradients.
        own_inputs = {name: values[: max(own, 1)] for name, values in inputs.items()}
        if not model.training:
            # The gathering leaves out repeated logits. Of a copy, for label smoothing takes the labels out.
            loss, outputs = super().compute_loss(model, dict(inputs), True)
            if own < len(inputs["labels"]):
                loss = super().compute_loss(model, own_inputs)
            return (loss, outputs) if return_outputs else loss
        labels = inputs["labels"][:own]
        own_inputs["pixel_values"] = augment(own_inputs["pixel_values"], self._augmentation)
        if self._objective:
            own_inputs["target"] = self._objective.make_targets(own_inputs)
            labels = own_inputs["target"][:own, :NUM_LABELS].argmax(-1)
            if self._mixup_alpha:
                own_inputs = mix_up(own_inputs, self._mixup_alpha)
            outputs = model(pixel_values=own_inputs["pixel_values"])
            loss = self._objective(outputs.logits, own_inputs)
        else:
            loss, outputs = super().compute_loss(model, own_inputs, True, num_items_in_batch)
        if self._distillation:
            loss = self._distillation.mix(loss, outputs.logits, own_inputs["pixel_values"])
        self._correct_and_seen[0] += (outputs.logits[:own, :NUM_LABELS].detach().argmax(-1) == labels).sum()
        self._correct_and_seen[1] += own
        return (weight * loss, outputs) if return_outputs else weight * loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:
            correct, seen = self.accelerator.reduce(self._correct_and_seen).tolist()
            if seen:
                logs["accuracy"] = correct / seen
            self._correct_and_seen.zero_()
        super().log(logs, *args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        share_buffers(self.model)  # each process measures a part of the images, all with one model
        return super().evaluate(*args, **kwargs)

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)
        self.accelerator.wait_for_everyone()  # what the main process writes next makes the checkpoint complete

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        with report_failed_writes(self.args.output_dir):
            super()._save_checkpoint(*args, **kwargs)

    def save_model(self, *args: Any, **kwargs: Any) -> None:
        with report_failed_writes(self.args.output_dir):
            super().save_model(*args, **kwargs)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        super()._save(output_dir, state_dict)
        # A pickle of the arguments; `recipe.yaml` says them all.
        (Path(str(output_dir or self.args.output_dir)) / TRAINING_ARGS_NAME).unlink(missing_ok=True)


def give_head_its_rate(optimizer: torch.optim.Optimizer, model: torch.nn.Module, learning_rate: float) -> None:
    """Give the classifier's weights a learning rate of their own, which the schedule then changes as it does the other.

    Args:
        optimizer: One that has not made a step yet.
        model: The model.
        learning_rate: The classifier's.
    """
    head = {id(weights) for weights in model.get_submodule(HEAD).parameters()}
    for group in list(optimizer.param_groups):
        own = [weights for weights in group["params"] if id(weights) in head]
        if own:
            group["params"] = [weights for weights in group["params"] if id(weights) not in head]
            optimizer.add_param_group({**group, "params": own, "lr": learning_rate})


def compute_accuracy(prediction: EvalPrediction) -> dict[str, float]:
    """Accuracy, in [0, 1], on the faces that have a label; of two heads, the labels'."""
    known = prediction.label_ids != NO_MAJORITY
    predicted = np.argmax(np.asarray(prediction.predictions)[:, :NUM_LABELS], axis=-1)
    return {"accuracy": float((predicted == prediction.label_ids)[known].mean())}


def look_for_progress(output_dir: Path, args: TrainingArguments, averaged: bool) -> tuple[bool, str | None]:
    """Whether a run is finished, and the checkpoint from which it goes on; the main process looks, for all."""
    found: list[Any] = [False, None]
    if args.should_save:
        found = [(output_dir / "run.json").is_file(), None]
        if found[0]:
            print(f"{output_dir} is already trained. Use --resume false to train it again.")
        else:
            found[1] = find_resumable_checkpoint(output_dir, averaged)
            if found[1]:
                print(f"Going on from {found[1]}.", flush=True)
    finished, checkpoint = broadcast_object_list(found)
    return finished, checkpoint


def resolve(recipe: RecipeArguments, args: TrainingArguments) -> dict[str, Any]:
    """Every setting of a run that is no default; without defaults, so that a field added later changes no old run."""
    settings = vars(recipe) | args.to_dict()
    defaults = vars(RecipeArguments(model=recipe.model, protocol=recipe.protocol))
    # With the same `use_cpu`, since each of these objects sets up the processes anew.
    defaults |= TrainingArguments(output_dir=args.output_dir, use_cpu=args.use_cpu).to_dict()
    always = {"model", "protocol", "data", "seed", "output_dir"}
    return {key: value for key, value in settings.items() if value != defaults[key] or key in always}


def load_faces(
    recipe: RecipeArguments, args: TrainingArguments, image_processor: FerImageProcessor
) -> tuple[dict[str, int], TrainingSet, FaceTensors]:
    """The number of images of each split, and the faces of training and validation, on the device that trains.

    Validation's labels are what the model is to say: FER2013's, or what most of FER+'s annotators saw.
    """
    splits = load_fer2013(recipe.data, recipe.protocol)
    if recipe.samples_per_class:
        for split in splits:
            splits[split] = keep_first_per_class(splits[split], recipe.samples_per_class)
    train_set = load_views(recipe.views) if recipe.views else make_training_set(splits["train"], image_processor)
    if recipe.views and recipe.samples_per_class:
        train_set = train_set.select(torch.arange(min(len(train_set), recipe.samples_per_class * len(FER_LABELS))))
    validation = decode(splits["validation"], image_processor)
    if recipe.target in ("votes", "mix", "heads") and train_set.votes is None:
        raise DataError(NO_VOTES)
    if recipe.target in ("votes", "mix"):
        train_set = train_set.select(train_set.votes[:, :NUM_LABELS].sum(1).nonzero().flatten())  # type: ignore[index]
        validation.labels = find_majority(read_votes(splits["validation"]))
    counts = {split: len(rows) for split, rows in splits.items()} | {"train": len(train_set)}
    device = args.device
    return counts, train_set.to(device), FaceTensors(validation.pixel_values.to(device), validation.labels.to(device))


def make_objective(recipe: RecipeArguments, args: TrainingArguments, faces: TrainingSet) -> Objective:
    """What a recipe with more than labels has the model learn."""
    objective = Objective(
        recipe.target,
        votes_weight=recipe.votes_weight,
        label_smoothing=args.label_smoothing_factor,
        distillation_weight=recipe.distillation_weight if recipe.views else 0.0,
        distillation_temperature=recipe.distillation_temperature,
    )
    if faces.answers is not None and not objective.reads(faces.answers):
        raise DataError(f"{recipe.views}: no teacher knew what is to be learnt, {recipe.target}.")
    known = {"labels": faces.labels} | ({} if faces.votes is None else {"votes": faces.votes})
    objective.log_prior = adjust_logits(objective.make_targets(known)[:, :NUM_LABELS], recipe.logit_adjustment)
    return objective


def train(recipe: RecipeArguments, args: TrainingArguments) -> Path:
    """Train by a recipe.

    Returns:
        The folder of the finished run.

    Raises:
        DataError: The data is not what the recipe asks for.
        ValueError: The folder holds a run with other settings, or something else.
        OSError: A file cannot be written; what was finished before is kept.
    """
    output_dir = Path(str(args.output_dir))
    if recipe.frozen_epochs and args.world_size > 1:
        raise ValueError("frozen_epochs works in one process only: what is frozen at first is never shared by several.")
    resolved = resolve(recipe, args)
    args.push_to_hub = False  # by the Trainer: it is pushed later, with its history
    share_batch(args)
    with args.main_process_first(local=False):
        check_run_folder(output_dir)
        if recipe.resume:
            check_same_recipe(output_dir, resolved)
        elif args.should_save:
            delete_run(output_dir)
    finished, checkpoint = look_for_progress(output_dir, args, averaged=recipe.ema_decay > 0)
    if finished:
        return output_dir

    stopwatch, environment = Stopwatch(), describe_environment()
    keep_freed_memory()
    set_seed(args.seed)
    model, teachers, before = make_model(recipe)
    image_processor = FerImageProcessor(size={"height": model.config.image_size, "width": model.config.image_size})
    faces, train_set, validation = load_faces(recipe, args, image_processor)
    trainer = FerTrainer(
        model=synchronize_batch_norm(model, args),
        args=args,
        augmentation=recipe,
        head_learning_rate=recipe.head_learning_rate,
        distillation=(
            Distillation(teachers, recipe.distillation_weight, recipe.distillation_temperature) if teachers else None
        ),
        objective=make_objective(recipe, args, train_set) if recipe.needs_objective else None,
        mixup_alpha=recipe.mixup_alpha,
        cuda_graph=recipe.cuda_graph and not recipe.frozen_epochs,
        train_dataset=train_set,
        eval_dataset=validation,
        data_collator=collate_batch,
        processing_class=image_processor,
        compute_metrics=compute_accuracy,
        callbacks=make_callbacks(recipe, stopwatch),
    )
    show_progress(trainer)
    if args.should_save:
        output_dir.mkdir(parents=True, exist_ok=True)
        write_text(output_dir / "recipe.yaml", yaml.safe_dump(resolved))
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.save_model()
    if args.should_save:
        finish(trainer, output_dir, {"resumed": checkpoint is not None, "images": faces, **environment, **before})
    return output_dir


def show_progress(trainer: FerTrainer) -> None:
    """Our bar instead of transformers' bar and printing; no bar with `--disable_tqdm true`."""
    trainer.remove_callback(PrinterCallback)
    if trainer.pop_callback(ProgressCallback):
        trainer.add_callback(ProgressBar)


def make_model(recipe: RecipeArguments) -> tuple[PreTrainedModel, list[PreTrainedModel], dict[str, Any]]:
    """The model as it begins, its teachers, and for `run.json` where both, and the views, come from.

    Raises:
        ValueError: The labels of the model are not those of the data.
    """
    config = recipe.make_config()
    if tuple(config.id2label.values()) not in (FER_LABELS, HEAD_LABELS):
        raise ValueError(f"The model's labels {config.id2label} are not the data's {FER_LABELS}.")
    model = (
        make_pretrained(config, recipe.pretrained) if recipe.pretrained else get_entry(recipe.model).model_class(config)
    )
    before: dict[str, Any] = {}
    if recipe.widened_from:
        widen(model, recipe.widened_from, recipe.target)
        before["widened_from"] = describe_start(recipe.widened_from)
    teachers = [load_trained(folder, config, "teachers") for folder in recipe.list_teachers()]
    if teachers:
        before["teachers"] = {folder: compute_fingerprint(Path(folder)) for folder in recipe.list_teachers()}
    if recipe.views:
        before["views"] = describe_views(recipe.views)
    if recipe.channels_last:
        for one in (model, *teachers):
            one.to(memory_format=torch.channels_last)  # type: ignore[call-arg]
    return model, teachers, before


def make_callbacks(recipe: RecipeArguments, stopwatch: Stopwatch) -> list[TrainerCallback]:
    """Those that come after the Trainer's own; the EMA is measured after all others."""
    callbacks: list[TrainerCallback] = [EvaluateEvery(recipe.evaluate_every), stopwatch, EpochLine(), OwnRandomness()]
    if recipe.ema_decay:
        callbacks.append(EmaCallback(recipe.ema_decay))
    if recipe.frozen_epochs:
        callbacks.append(FrozenBackbone(recipe.frozen_epochs))
    if recipe.early_stopping_patience:
        callbacks.append(EarlyStoppingCallback(recipe.early_stopping_patience, recipe.early_stopping_threshold))
    return callbacks


def finish(trainer: FerTrainer, output_dir: Path, origin: dict[str, Any]) -> None:
    """Write `history.json`, and `run.json` last and in one piece: a folder with this file is a finished run."""
    write_json(output_dir / "history.json", make_history(trainer.state.log_history))
    # After an interruption the Trainer has put another one in its place.
    (stopwatch,) = (one for one in trainer.callback_handler.callbacks if isinstance(one, Stopwatch))
    seconds = {"seconds": round(stopwatch.read(), 1), "processes": trainer.args.world_size}
    write_json(output_dir / "run.json", seconds | origin)


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(
        prog="python -m training.train",
        description=__doc__,
        epilog="Every field of a recipe is an option too, such as --seed 1:\n\n" + make_recipe_parser().format_help(),
    )
    parser.add_argument("recipe", help="a file of training/recipes")
    arguments, overrides = parser.parse_known_args(argv)
    try:
        recipe, args = parse_recipe(arguments.recipe, overrides)
        trial = list_trial_settings(vars(recipe) | vars(args))
        if args.push_to_hub and trial:
            raise ValueError(f"A trial run ({', '.join(trial)}) is not pushed. Train it without --push_to_hub.")
        repo_id = make_repo(args) if args.push_to_hub and args.process_index == 0 else None
        output_dir = train(recipe, args)
        if repo_id:
            print(f"Pushed: {push_run(args, repo_id)}")
    except PushError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error}. What was finished is kept; make room or mend the path, then start again.")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Start again with the same command to go on from the newest checkpoint.")
    if args.should_save:
        print(f"Trained: {output_dir}")


if __name__ == "__main__":
    main()
