"""Many views of each training face, with teachers' answers, made once: `python -m training.views training/views.yaml`.

A student then learns from consistent answers for hundreds of epochs (Beyer et al. 2022, arXiv:2106.05237), and its
teachers cost it nothing. A teacher has learnt FER2013's label, people's votes, or both (`target: heads`). Its answers
are averaged over the mirror image unless `mirrored` is false, so that a student may mirror its views. With
`mixup_alpha` another face is blended into each view: what teachers answer there they cannot have learnt by heart.
Labels and votes stay those of the face itself, so a student of such views learns by the answers alone
(`distillation_weight: 1.0`).

Beside the file lies a JSON that says what it was made of. The file holds FER2013's pictures: keep it out of the
repository.
"""

import json
from argparse import ArgumentError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors.torch import save_file
from transformers import AutoModelForImageClassification, PreTrainedModel, set_seed

from fer_models import FerImageProcessor
from fer_models.commands import CommandParser, command
from fer_models.hub import compute_fingerprint
from fer_models.memory import keep_freed_memory
from fer_models.results import read_json

from .augmentation import AugmentationArguments, augment
from .data import DATA_VARIABLE, DataError, find_data, load_fer2013
from .objective import NUM_LABELS, draw_shares
from .recipe import make_parser, read_settings, to_words
from .runtime.files import report_failed_writes, write_json
from .runtime.provenance import describe_environment
from .training_set import TrainingSet, make_training_set

BATCH_SIZE = {"cuda": 4096, "cpu": 32}

# Of a teacher that has learnt a target: where its logits for the labels and for the votes are.
HEADS_OF = {
    "label": {"label": slice(0, NUM_LABELS)},
    "votes": {"votes": slice(0, NUM_LABELS)},
    "heads": {"label": slice(0, NUM_LABELS), "votes": slice(NUM_LABELS, 2 * NUM_LABELS)},
}


@dataclass(kw_only=True)
class ViewsArguments(AugmentationArguments):
    """What is made of which faces, by which teachers."""

    teachers: str = field(metadata={"help": "JSON list of folders of runs or checkpoints."})
    output: str = field(metadata={"help": "The file to write."})
    count: int = field(default=24, metadata={"help": "Views of each face; the first is the face as it is."})
    mixup_alpha: float = field(
        default=0.0, metadata={"help": "Of the beta distribution that blends another face into each view; 0 for none."}
    )
    data: str = field(
        default_factory=find_data,
        metadata={"help": f"FER2013, as a recipe's field of the same name; {DATA_VARIABLE} changes the default."},
    )
    mirrored: bool = field(
        default=True, metadata={"help": "Average the answers over the mirror image, which takes twice as long."}
    )
    bf16: bool = field(default=torch.cuda.is_available(), metadata={"help": "Have the teachers compute with 16 bits."})
    seed: int = field(default=0, metadata={"help": "Of the random changes."})


@torch.no_grad()
def answer(teachers: list[PreTrainedModel], pixel_values: torch.Tensor, mirrored: bool) -> torch.Tensor:
    """The mean log-probabilities of the teachers that know the labels, and of those that know the votes.

    Args:
        teachers: As `load_teacher` gives them.
        pixel_values: `(N, C, H, W)`.
        mirrored: Whether they are averaged over the mirror image, too.

    Returns:
        `(N, 14)`, float32: 7 for the labels and 7 for the votes; not a number where no teacher knows them.
    """
    answers: dict[str, list[torch.Tensor]] = {"label": [], "votes": []}
    for teacher in teachers:
        for view in (pixel_values, pixel_values.flip(-1)) if mirrored else (pixel_values,):
            logits = teacher(view).logits.float()
            for target, head in HEADS_OF[teacher.config.target].items():
                answers[target].append(logits[:, head].log_softmax(-1))
    unknown = torch.full((len(pixel_values), NUM_LABELS), torch.nan, device=pixel_values.device)
    return torch.cat([torch.stack(rows).mean(0) if rows else unknown for rows in answers.values()], dim=1)


def make_views(faces: TrainingSet, teachers: list[PreTrainedModel], arguments: ViewsArguments) -> TrainingSet:
    """Views of each face, the first as it is, with what the teachers answer to them.

    Args:
        faces: In one view each.
        teachers: Where the faces lie.
        arguments: How many views, and how they are changed.
    """
    device = faces.labels.device
    views = torch.empty(arguments.count, *faces.views.shape[1:], dtype=torch.uint8, device="cpu")
    answers = torch.empty(arguments.count, len(faces), 2 * NUM_LABELS, dtype=torch.float16, device="cpu")
    for view in range(arguments.count):
        for rows in torch.arange(len(faces), device=device).split(BATCH_SIZE[device.type]):
            pixel_values = faces.views[0, rows].float() / 255
            if view:
                pixel_values = augment(pixel_values, arguments)
            if view and arguments.mixup_alpha:
                share = draw_shares(len(rows), arguments.mixup_alpha, device)[:, None, None, None]
                others = faces.views[0, torch.randint(len(faces), (len(rows),), device=device)].float() / 255
                pixel_values = torch.lerp(augment(others, arguments), pixel_values, share)
            stored = (pixel_values * 255).round().to(torch.uint8)
            views[view, rows.cpu()] = stored.cpu()
            with torch.autocast(device.type, torch.bfloat16, enabled=arguments.bf16):
                logits = answer(teachers, stored.float() / 255, arguments.mirrored)
            answers[view, rows.cpu()] = logits.half().cpu()
    return TrainingSet(views, faces.labels.cpu(), None if faces.votes is None else faces.votes.cpu(), answers)


def load_teacher(folder: str) -> PreTrainedModel:
    """A trained model without its calibration, and in its configuration as `target` what it learnt.

    Raises:
        DataError: The folder holds none.
    """
    if not Path(folder, "model.safetensors").is_file():
        raise DataError(f"{folder} holds no finished run; train it first.")
    model = AutoModelForImageClassification.from_pretrained(folder)
    model.config.temperature, model.config.prior_strength = 1.0, 0.0
    model.config.target = yaml.safe_load(Path(folder, "recipe.yaml").read_text()).get("target", "label")
    if model.config.target not in HEADS_OF:
        raise DataError(f"{folder} learnt {model.config.target}; a teacher learns {', '.join(HEADS_OF)}.")
    return model.eval()


def describe_views(path: str | Path) -> dict[str, Any]:
    """What a file of views was made of, or nothing if that is not known."""
    return read_json(Path(path).with_suffix(".json")) or {}


def run(arguments: ViewsArguments) -> Path:
    """Make the views and write them.

    Raises:
        DataError: The faces or a teacher are missing.
        OSError: The file cannot be written.
    """
    keep_freed_memory()
    set_seed(arguments.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    folders = json.loads(arguments.teachers)
    teachers = [load_teacher(folder).to(device) for folder in folders]  # type: ignore[arg-type]
    for teacher in teachers:
        teacher.to(memory_format=torch.channels_last)  # type: ignore[call-arg]
    faces = make_training_set(load_fer2013(arguments.data)["train"], FerImageProcessor()).to(device)
    views = make_views(faces, teachers, arguments)
    output = Path(arguments.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    tensors = {"views": views.views, "labels": views.labels, "votes": views.votes, "answers": views.answers}
    part = output.with_name(output.name + ".part")
    with report_failed_writes(output.parent):
        save_file({name: values for name, values in tensors.items() if values is not None}, part)
    part.replace(output)
    write_json(
        output.with_suffix(".json"),
        {
            **{name: value for name, value in vars(arguments).items() if name not in ("data", "output", "teachers")},
            "teachers": {folder: compute_fingerprint(Path(folder)) for folder in folders},
            **describe_environment(),
        },
    )
    return output


def parse_views(path: Path, overrides: list[str]) -> ViewsArguments:
    """Read settings; `overrides` are command-line arguments and win.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no settings, a key is unknown, or a value has the wrong type or range.
    """
    words = to_words(read_settings(path, "holds no settings")) + overrides
    try:
        (parsed,) = make_parser(ViewsArguments).parse_args_into_dataclasses(words, look_for_args_file=False)
    except ArgumentError as error:
        raise ValueError(f"{path}: {error}") from error
    return parsed


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(
        prog="python -m training.views",
        description=__doc__,
        epilog="Every field is an option too, such as --count 8:\n\n" + make_parser(ViewsArguments).format_help(),
    )
    parser.add_argument("settings", type=Path, metavar="FILE", help="such as training/views.yaml")
    arguments, overrides = parser.parse_known_args(argv)
    print(f"Made: {run(parse_views(arguments.settings, overrides))}")


if __name__ == "__main__":
    main()
