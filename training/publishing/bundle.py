"""Put a finished, measured run among the bundled checkpoints.

`python -m training.publishing.bundle runs/baseline.report/seed-0 baseline.report` writes the folder `baseline.report`
of `fer_models/checkpoints`: configuration, preprocessing, weights, recipe, history, results. Code, card and the
figures that a repository on the Hub holds beside them are made when it is pushed.

A trial is refused. To replace other weights, or to bundle what another recipe than the checkpoint's has trained, takes
`--force`.
"""

import json
import shutil
import tempfile
from pathlib import Path

import yaml
from transformers import AutoModelForImageClassification, TrainingArguments

from fer_models import FerImageProcessor
from fer_models.commands import CommandParser, command
from fer_models.hub import compute_fingerprint
from fer_models.zoo import CHECKPOINTS_DIR, get_entry

from .. import RECIPES_DIR
from ..recipe import RecipeArguments, parse_recipe
from ..runtime.files import replace_folder, write_text
from ..runtime.runs import PLACE_FIELDS, RECIPE, check_whole, leave_out_places

RECORDS = ("recipe.yaml", "history.json", "results.json")


def bundle(run_dir: Path, checkpoint_name: str, checkpoints_dir: Path = CHECKPOINTS_DIR, force: bool = False) -> Path:
    """Copy model, image processor and records of a run, in one piece.

    A crash leaves the old checkpoint.

    Args:
        run_dir: Folder of a finished run with its `results.json`.
        checkpoint_name: `<name>.<tag>`, the name as in the zoo.
        checkpoints_dir: Where checkpoints lie.
        force: Replace other weights, and take what another recipe has trained.

    Returns:
        The checkpoint's folder.

    Raises:
        ValueError: The name is not `<name>.<tag>`, the zoo does not know it, the run trained another model, is a
            trial or not calibrated; something else lies in the checkpoint's place; or it takes `force`.
        FileNotFoundError: The run is not finished, or not measured.
    """
    name, _, tag = checkpoint_name.partition(".")
    get_entry(name)
    if not tag:
        raise ValueError(f"A checkpoint is named <name>.<tag>, such as {name}.report; got {checkpoint_name!r}.")
    missing = [record for record in RECORDS if not (run_dir / record).is_file()]
    if missing:
        raise FileNotFoundError(f"{run_dir} lacks {', '.join(missing)}: finish it with training.train, then "
                                "training.evaluation.evaluate")  # fmt: skip
    trained = yaml.safe_load((run_dir / "recipe.yaml").read_text())["model"]
    if trained != name:
        raise ValueError(f"{run_dir} trained the model {trained!r}, which cannot be bundled as {checkpoint_name!r}.")
    check_whole(run_dir)
    model = AutoModelForImageClassification.from_pretrained(run_dir)
    vars(model.config).pop("use_cache", None)  # left there by the Trainer; means nothing for these models
    target = checkpoints_dir / checkpoint_name
    checkpoints_dir.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=checkpoints_dir, prefix=".") as temporary:
        new = Path(temporary, "new")
        new.mkdir()
        model.save_pretrained(new)
        shutil.copymode(new / "config.json", new / "model.safetensors")  # safetensors lets only the owner read it
        FerImageProcessor.from_pretrained(run_dir).save_pretrained(new)
        for code in new.glob("*.py"):  # written by transformers beside what it saves; the package has it already
            code.unlink()
        for record in RECORDS:
            shutil.copy(run_dir / record, new)
        recipe = yaml.safe_load((new / RECIPE).read_text())
        write_text(new / RECIPE, yaml.safe_dump(leave_out_places(recipe)))
        check_place(target, {path.name for path in new.iterdir()})
        reasons = [*list_changes(new, checkpoint_name), *describe_loss(new, target)]
        if reasons and not force:
            raise ValueError(f"{' '.join(reasons)} Nothing is changed. If that is what you want, add --force.")
        replace_folder(target, new)
    if reasons:
        print(*reasons, "Done, as --force says.")
    return target


def list_changes(trained_dir: Path, checkpoint_name: str) -> list[str]:
    """A sentence if the checkpoint's recipe is not what trained a model; none if it has no recipe."""
    path = RECIPES_DIR / f"{checkpoint_name}.yaml"
    if not path.is_file():
        return []
    recipe, args = parse_recipe(path, [])
    asked = vars(recipe) | args.to_dict()
    defaults = vars(RecipeArguments(model=recipe.model, protocol=recipe.protocol))
    defaults |= TrainingArguments(output_dir=args.output_dir, use_cpu=args.use_cpu).to_dict()
    trained = defaults | yaml.safe_load((trained_dir / "recipe.yaml").read_text())
    named = yaml.safe_load(path.read_text()).keys() | vars(recipe).keys()
    changed = [
        f"{field} {trained[field]!r} instead of {asked[field]!r}"
        for field in sorted(named - PLACE_FIELDS - {"seed"})
        if trained[field] != asked[field]
    ]
    return [f"The run was not trained as {path.name} says: {', '.join(changed)}."] if changed else []


def describe_loss(new: Path, target: Path) -> list[str]:
    """A sentence if there is a checkpoint with other weights already."""
    before = describe_model(target) if target.exists() else ""
    if before in ("", describe_model(new)):
        return []
    return [f"{target} holds {before}; {describe_model(new)} would replace it."]


def describe_model(directory: Path) -> str:
    """Fingerprint, and accuracy where it is known."""
    try:
        name = f"the weights {compute_fingerprint(directory)}"
    except OSError:
        return "something that cannot be loaded"
    try:
        accuracy = json.loads((directory / "results.json").read_text())["splits"]["official_test"]["accuracy"]
    except (OSError, KeyError, ValueError):
        return f"{name} (of unknown accuracy)"
    return f"{name} ({100 * accuracy:.1f}% of PrivateTest right)"


def check_place(target: Path, names: set[str]) -> None:
    """Refuse to replace a folder in which there is more than what is bundled.

    Raises:
        ValueError: Names what is in the way.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise ValueError(f"{target} is no folder. Move it away.")
    found = {path.name for path in target.iterdir()} if target.is_dir() else set()
    others = {name for name in found - names if not name.startswith((".", "__pycache__"))}
    if others:
        raise ValueError(f"{target} holds what was not bundled ({', '.join(sorted(others))}). Move that away first.")


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.publishing.bundle", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="folder of a finished, measured run")
    parser.add_argument("checkpoint_name", help="<name>.<tag>, such as baseline.report")
    parser.add_argument(
        "--force", action="store_true", help="replace other weights, and take what another recipe has trained"
    )
    arguments = parser.parse_args(argv)
    print(bundle(arguments.run_dir, arguments.checkpoint_name, force=arguments.force))


if __name__ == "__main__":
    main()
