"""A run on the Hub: the Trainer with no pickle and errors in plain words, and the push that ends a run."""

from functools import partial
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import CommitInfo, CommitOperationAdd, HfApi
from transformers import Trainer, TrainingArguments
from transformers.trainer import TRAINING_ARGS_NAME

from fer_models.hub import CLIENT_ERRORS, explain, make_fixed_revision

from ..runtime.files import write_text
from ..runtime.runs import CODE, FILES, RECIPE, RESULTS, leave_out_places
from .hub_sync import PushError, Revision, check_is_ours, retry
from .model_card import find_tag, render_card


class HubTrainer(Trainer):
    """The Trainer, with our push: it makes the repository of a run with `push_to_hub` first, and writes no pickle."""

    def init_hf_repo(self, *args: Any, **kwargs: Any) -> None:
        try:
            retry(partial(super().init_hf_repo, *args, **kwargs))
        except CLIENT_ERRORS as error:
            raise OSError(explain(error, find_repo_name(self.args))) from error

    def push_to_hub(self, *args: Any, **kwargs: Any) -> CommitInfo | None:  # type: ignore[override]
        """What `push_run` does with the finished run's folder, by the main process; arguments are taken and left."""
        return push_run(self.args) if self.is_world_process_zero() else None

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        super()._save(output_dir, state_dict)
        # A pickle of the arguments; `recipe.yaml` says them all.
        (Path(str(output_dir or self.args.output_dir)) / TRAINING_ARGS_NAME).unlink(missing_ok=True)


def find_repo_name(args: TrainingArguments) -> str:
    """The repository that a run goes to, as the Trainer has it: `hub_model_id`, or the name of the run's folder."""
    return args.hub_model_id or Path(str(args.output_dir)).absolute().name


def collect_run(directory: Path) -> dict[str, bytes]:
    """What the Hub gets of a run's folder, by name: what the run wrote, the recipe without places on this machine."""
    names = {path.name for path in directory.iterdir() if path.name in FILES or CODE.fullmatch(path.name)}
    recipe = yaml.safe_load((directory / RECIPE).read_text())
    told = leave_out_places(recipe)
    return {name: (directory / name).read_bytes() for name in sorted(names)} | {RECIPE: yaml.safe_dump(told).encode()}


def push_run(args: TrainingArguments) -> CommitInfo:
    """Push the folder of a finished run with our card, and fix the model there by the tag that the card names.

    Needs no Trainer, whose own push needs the data and sends a draft of a card. What is there already is not sent
    again.

    Raises:
        PushError: The Hub refuses it or cannot be reached; the message says how to push the run later.
        ValueError: The card's metadata is not valid.
    """
    directory, repo_id = Path(str(args.output_dir)), find_repo_name(args)
    api = HfApi(token=args.hub_token)
    try:
        create = partial(api.create_repo, repo_id, private=args.hub_private_repo, exist_ok=True)
        repo_id = retry(create).repo_id
        check_is_ours(api, Revision(repo_id), RECIPE)
        if not (directory / RESULTS).exists() and RESULTS in retry(partial(api.list_repo_files, repo_id)):
            raise PushError(
                f"{directory} is trained, but not pushed: {repo_id} holds a model that was measured, and this one is "
                "not. Choose another --hub_model_id, or measure it by training.evaluation.evaluate and run this again."
            )
        write_text(directory / "README.md", render_card(directory, repo_id))
        files = collect_run(directory)
        upload = partial(
            api.create_commit,
            repo_id,
            [CommitOperationAdd(name, content) for name, content in files.items()],
            commit_message="End of training",
            revision=args.hub_revision,
        )
        commit = retry(upload)
        tag = make_fixed_revision(directory, find_tag(directory))
        retry(partial(api.create_tag, repo_id, tag=tag, revision=commit.oid, exist_ok=True))
    except CLIENT_ERRORS as error:
        raise PushError(
            f"{directory} is trained, but not pushed. {explain(error, repo_id)} The same command pushes it and "
            "trains nothing, unless it says --resume false."
        ) from error
    return commit
