"""A run on the Hub: its repository, made before it is trained, and the push that ends it."""

from functools import partial
from pathlib import Path

import yaml
from huggingface_hub import CommitInfo, CommitOperationAdd, HfApi
from transformers import TrainingArguments

from fer_models.hub import CLIENT_ERRORS, explain, make_fixed_revision

from ..runtime.runs import CODE, FILES, RECIPE, RESULTS, leave_out_places
from .hub_sync import PushError, Revision, check_is_ours, retry
from .model_card import find_tag, render_card


def make_repo(args: TrainingArguments) -> str:
    """Make the repository to which a run shall go, and its branch, before the hours of training.

    Returns:
        Its id: `hub_model_id`, or the name of the run's folder with the user.

    Raises:
        PushError: The Hub refuses it or cannot be reached, or holds there what the run may not replace.
    """
    api, name = HfApi(token=args.hub_token), args.hub_model_id or Path(str(args.output_dir)).absolute().name
    try:
        repo_id = retry(partial(api.create_repo, name, private=args.hub_private_repo, exist_ok=True)).repo_id
        check_is_ours(api, Revision(repo_id), RECIPE)
        if args.hub_revision:
            empty = retry(partial(api.list_repo_commits, repo_id))[-1].commit_id
            retry(partial(api.create_branch, repo_id, branch=args.hub_revision, revision=empty, exist_ok=True))
        check_loses_nothing(api, repo_id, args)
    except CLIENT_ERRORS as error:
        raise PushError(explain(error, name)) from error
    return repo_id


def check_loses_nothing(api: HfApi, repo_id: str, args: TrainingArguments) -> None:
    """Refuse to replace a model that was measured by one that was not.

    Raises:
        PushError: It would.
    """
    if (Path(str(args.output_dir)) / RESULTS).exists():
        return
    if RESULTS in retry(partial(api.list_repo_files, repo_id, revision=args.hub_revision)):
        raise PushError(
            f"{repo_id} holds a model that was measured, and {args.output_dir} is not. Choose another --hub_model_id, "
            "or train without --push_to_hub, measure by training.evaluation.evaluate, and then push."
        )


def collect_run(directory: Path) -> dict[str, bytes]:
    """What the Hub gets of a run's folder, by name: what the run wrote, the recipe without places on this machine."""
    names = {path.name for path in directory.iterdir() if path.name in FILES or CODE.fullmatch(path.name)}
    recipe = yaml.safe_load((directory / RECIPE).read_text())
    told = leave_out_places(recipe)
    return {name: (directory / name).read_bytes() for name in sorted(names)} | {RECIPE: yaml.safe_dump(told).encode()}


def push_run(args: TrainingArguments, repo_id: str) -> CommitInfo:
    """Push the folder of a finished run with our card, and fix the model there by the tag that the card names.

    Needs no Trainer, whose own push needs the data and sends a draft of a card. What is there already is not sent
    again.

    Args:
        args: The run's.
        repo_id: What `make_repo` gave.

    Raises:
        PushError: The Hub refuses it or cannot be reached; the message says how to push the run later.
        ValueError: The card's metadata is not valid.
    """
    directory, api = Path(str(args.output_dir)), HfApi(token=args.hub_token)
    try:
        check_loses_nothing(api, repo_id, args)  # it was measured, perhaps, and trained anew
        files = collect_run(directory) | {"README.md": render_card(directory, repo_id).encode()}
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
