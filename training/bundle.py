"""Put a finished, measured run among the bundled checkpoints.

`python -m training.bundle runs/baseline.report/seed-0 baseline.report` writes the folder `baseline.report` of
`fer_models/checkpoints`: everything that a repository on the Hub holds but the card, the networks' code included.
"""

import shutil
import tempfile
from pathlib import Path

import yaml
from transformers import AutoModelForImageClassification

from fer_models import FerImageProcessor
from fer_models.commands import CommandParser, command
from fer_models.zoo import CHECKPOINTS_DIR, get_entry

from .plots import plot_checkpoint

RECORDS = ("recipe.yaml", "history.json", "results.json")


def bundle(run_dir: Path, checkpoint_name: str, checkpoints_dir: Path = CHECKPOINTS_DIR) -> Path:
    """Copy model, image processor, code and records of a run, and draw its figures, in one piece.

    A crash leaves the old checkpoint.

    Args:
        run_dir: Folder of a finished run with its `results.json`.
        checkpoint_name: `<name>.<tag>`, the name as in the zoo.
        checkpoints_dir: Where checkpoints lie.

    Returns:
        The checkpoint's folder.

    Raises:
        ValueError: The name is not `<name>.<tag>`, the zoo does not know it, or the run trained another network.
        FileNotFoundError: The run is not finished, or not measured.
    """
    name, _, tag = checkpoint_name.partition(".")
    get_entry(name)
    if not tag:
        raise ValueError(f"A checkpoint is named <name>.<tag>, such as {name}.report; got {checkpoint_name!r}.")
    missing = [record for record in RECORDS if not (run_dir / record).is_file()]
    if missing:
        raise FileNotFoundError(f"{run_dir} lacks {', '.join(missing)}: finish it with training.train, then "
                                "training.evaluate")  # fmt: skip
    trained = yaml.safe_load((run_dir / "recipe.yaml").read_text())["model"]
    if trained != name:
        raise ValueError(f"{run_dir} trained the network {trained!r}, which cannot be bundled as {checkpoint_name!r}.")
    model = AutoModelForImageClassification.from_pretrained(run_dir)
    vars(model.config).pop("use_cache", None)  # left there by the Trainer; means nothing for these networks
    target = checkpoints_dir / checkpoint_name
    checkpoints_dir.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=checkpoints_dir, prefix=".") as temporary:
        new, old = Path(temporary, "new"), Path(temporary, "old")
        new.mkdir()
        model.save_pretrained(new)
        shutil.copymode(new / "config.json", new / "model.safetensors")  # safetensors lets only the owner read it
        FerImageProcessor.from_pretrained(run_dir).save_pretrained(new)
        for record in RECORDS:
            shutil.copy(run_dir / record, new)
        plot_checkpoint(new, checkpoint_name)
        if target.exists():
            target.rename(old)
        new.rename(target)
    return target


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.bundle", description=__doc__)
    parser.add_argument("run_dir", type=Path, help="folder of a finished, measured run")
    parser.add_argument("checkpoint_name", help="<name>.<tag>, such as baseline.report")
    arguments = parser.parse_args(argv)
    print(bundle(arguments.run_dir, arguments.checkpoint_name))


if __name__ == "__main__":
    main()
