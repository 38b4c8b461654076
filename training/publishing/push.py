"""Put the bundled models on the Hub: `python -m training.publishing.push --namespace NAME`.

One repository for each model, `NAME/fer-<model>`: `main` holds the best model, the branch `report` that of the
report's recipe, and a tag such as `report-0a1b2c3d4e5f` just these weights for good. A collection holds them all. What
is there already is not sent again, so that an interrupted push is finished by the same command. Each push ends with a
download, whose logits must be those of the files here.

`--output DIR` writes what `main` of each repository would hold to `DIR/fer-<model>`, and pushes nothing.

With `--space NAME/fer-compare` the page is pushed instead, as a Space that takes its models from there; with
`--static-space NAME/fer-compare` the page that runs in the visitor's browser, which anybody may have for nothing.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

import torch
from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import LocalTokenNotFoundError
from huggingface_hub.utils import disable_progress_bars
from PIL import Image
from transformers.utils.logging import disable_progress_bar

from fer_models.commands import CommandParser, command, split_list
from fer_models.export import collect_export, write_files
from fer_models.hub import CLIENT_ERRORS, explain, make_fixed_revision, make_repo_id
from fer_models.onnx_export import ONNX_FILE, export_onnx
from fer_models.zoo import checkpoint_dir, list_models, list_tags, load_checkpoint

from ..runtime.runs import check_whole
from . import space, static_space
from .hub_sync import PushError, Revision, check_is_ours, compare, plan_page, push_page, retry, sync
from .model_card import PLACEHOLDER, render_card
from .plots import draw_checkpoint

OWN_FILE = "recipe.yaml"  # no repository but those that are pushed from here has it
COLLECTION_TITLE = "Facial expressions: small models side by side"
COLLECTION_TEXT = "Models of a student's report on FER2013, and one beyond, with code, recipe, results and card."


def collect_files(directory: Path, repo_id: str) -> dict[str, bytes]:
    """What a repository holds, by path: the exported checkpoint, ONNX, figures, and a card for this repository."""
    figures = draw_checkpoint(directory)
    card = render_card(directory, repo_id, figures)
    return collect_export(directory) | figures | {ONNX_FILE: export_onnx(directory), "README.md": card.encode()}


def list_branches(name: str) -> dict[Path, list[str]]:
    """Which branches of a model's repository hold each of its checkpoints: that of its tag, and `main` the best."""
    branches = {checkpoint_dir(name): ["main"]}
    for tag in list_tags(name):
        branches.setdefault(checkpoint_dir(name, tag), []).append(tag)
    return branches


def push_model(api: HfApi, name: str, repo_id: str, private: bool = False) -> None:
    """Make or update the repository of one model, and prove it.

    Raises:
        PushError: The repository holds something else, or what came back is not what was sent.
        OSError, httpx2.HTTPError, RuntimeError: What `explain` puts in words.
    """
    retry(lambda: api.create_repo(repo_id, private=private, exist_ok=True))
    check_is_ours(api, Revision(repo_id), OWN_FILE)
    empty = retry(lambda: api.list_repo_commits(repo_id))[-1].commit_id
    for directory, branches in list_branches(name).items():
        files, commit = collect_files(directory, repo_id), empty
        tag = make_fixed_revision(directory)
        for branch in branches:
            if branch != "main":
                # From its own model or from none: if the push is cut off here, the branch serves no other one.
                retry(partial(api.create_branch, repo_id, branch=branch, revision=commit, exist_ok=True))
            verified = commit
            commit, changes = sync(api, Revision(repo_id, branch), files, directory.name)
            for change in changes:
                print(f"  {change}")
            if commit != verified:
                verify(api, repo_id, commit, files, directory)
            retry(partial(api.create_tag, repo_id, tag=tag, revision=commit, exist_ok=True))
            state = "pushed" if changes else "unchanged"
            print(f"{repo_id}, {branch}: {state}, commit {commit}, fixed as {tag}; same logits as here", flush=True)


def verify(api: HfApi, repo_id: str, commit: str, files: dict[str, bytes], directory: Path) -> None:
    """Download a commit to an empty folder and compare it with what was sent: every file, and the logits.

    Raises:
        PushError: They differ.
    """
    with tempfile.TemporaryDirectory(prefix="fer-push-") as folder:
        back = Path(retry(partial(api.snapshot_download, repo_id, revision=commit, cache_dir=folder)))
        different = [
            path
            for path, content in files.items()
            if not (back / path).is_file() or (back / path).read_bytes() != content
        ]
        name = directory.name.partition(".")[0]
        if different or not torch.equal(compute_logits(name, back), compute_logits(name, directory)):
            raise PushError(
                f"{repo_id} at {commit} is not what was sent ({', '.join(different) or 'its logits differ'}). "
                "Run the same again; if it stays so, somebody else is writing there."
            )


@torch.inference_mode()
def compute_logits(name: str, directory: Path) -> torch.Tensor:
    """Logits for three made-up pictures, through the folder's own image processor."""
    model, image_processor = load_checkpoint(name, directory)
    noise = torch.randint(256, (60, 80, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    images = [Image.fromarray(noise.numpy()), Image.linear_gradient("L"), Image.new("RGB", (48, 48), "gray")]
    return model(**image_processor(images, return_tensors="pt")).logits


def push_collection(api: HfApi, repo_ids: list[str], namespace: str, private: bool = False) -> str:
    """Make the collection, or add to it what it lacks.

    Returns:
        Its address.
    """
    collection = retry(
        lambda: api.create_collection(
            COLLECTION_TITLE, namespace=namespace, description=COLLECTION_TEXT, private=private, exists_ok=True
        )
    )
    for repo_id in repo_ids:
        retry(partial(api.add_collection_item, collection.slug, repo_id, "model", exists_ok=True))
    return collection.url


def print_plan(api: HfApi, names: list[str], namespace: str) -> None:
    """Say what a push would change, file by file.

    Raises:
        PushError: A repository holds something else.
        OSError, httpx2.HTTPError, RuntimeError: What `explain` puts in words.
    """
    for name in names:
        repo_id = make_repo_id(namespace, name)
        check_is_ours(api, Revision(repo_id), OWN_FILE)
        for directory, branches in list_branches(name).items():
            files = collect_files(directory, repo_id)
            for where in [Revision(repo_id, branch) for branch in branches]:
                head, changes = retry(partial(compare, api, where, files))
                change = f"{len(changes)} files would change" if head else "would be made"
                print(f"{where}, from {directory.name}: {change if changes else 'up to date'}", *changes, sep="\n  ")


def write_output(names: list[str], namespace: str, output: Path) -> None:
    """Write what `main` of each model's repository would hold.

    Raises:
        ValueError: There can be no such namespace, or a model's folder is not empty.
        OSError: A folder cannot be written.
    """
    for name in names:
        repo_id = make_repo_id(namespace, name)
        target = output / repo_id.partition("/")[2]
        write_files(collect_files(checkpoint_dir(name), repo_id), target)
        print(target)


def push(names: list[str], namespace: str, token: str | None = None, private: bool = False) -> None:
    """Push models and collection, and print their addresses.

    Raises:
        ValueError: There can be no such namespace.
        PushError: It cannot go on; what was pushed before is kept and complete.
    """
    api = HfApi(token=token)
    repo_ids = [make_repo_id(namespace, name) for name in names]
    what = f"{namespace}'s models"
    try:
        if not (token or get_token()):
            raise LocalTokenNotFoundError
        for name, what in zip(names, repo_ids, strict=True):
            push_model(api, name, what, private)
        what = f"{namespace}'s collection"
        collection = push_collection(api, repo_ids, namespace, private)
    except CLIENT_ERRORS as error:
        raise PushError(explain(error, what)) from error
    print("\n".join(["", *(f"{api.endpoint}/{repo_id}" for repo_id in repo_ids), collection]))


def push_pages(arguments: argparse.Namespace) -> None:
    """Push the Spaces that the command line names, or say what would change."""
    api, space_id, static_id = HfApi(token=arguments.token), arguments.space, arguments.static_space
    if not (arguments.dry_run or arguments.token or get_token()):
        raise LocalTokenNotFoundError
    pages = [static_space.make_page(static_id)] if static_id else []
    pages += [space.make_page(api, space_id, arguments.namespace, static_id)] if space_id else []
    for page in pages:
        if arguments.dry_run:
            changes = plan_page(api, page)
            print(f"{page.where.repo_id}: {len(changes)} files would change", *changes, sep="\n  ")
        else:
            print("\n" + push_page(api, page, arguments.private))


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.publishing.push", description=__doc__)
    parser.add_argument("--namespace", help="your user name on the Hub, or an organization's")
    parser.add_argument("--space", metavar="OWNER/NAME", help="push the page; its models are by default the owner's")
    parser.add_argument("--static-space", metavar="OWNER/NAME", help="push the page that runs in the visitor's browser")
    parser.add_argument(
        "--models",
        type=split_list,
        metavar="NAME,NAME",
        help="which to push, with commas between them; by default all that are bundled",
    )
    parser.add_argument("--private", action="store_true", help="make new repositories and the collection private")
    parser.add_argument("--dry-run", action="store_true", help="only print what would change, file by file")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="write what main would hold there; by default it is pushed",
    )
    parser.add_argument("--token", help="by default HF_TOKEN, or that of `hf auth login`")
    arguments = parser.parse_args(argv)
    is_page = bool(arguments.space or arguments.static_space)
    if arguments.namespace is None and not is_page:
        if not arguments.output:
            parser.error("name a --namespace for the models, or a --space or --static-space for a page")
        arguments.namespace = PLACEHOLDER
    if is_page and arguments.models:
        parser.error("--models goes with --namespace alone: a page shows all that are bundled")
    if arguments.output and (is_page or arguments.dry_run):
        parser.error("--output writes models to a folder: leave out --dry-run, --space and --static-space")
    disable_progress_bar()
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        names = arguments.models or list_models()
        for directory in [one for name in names for one in list_branches(name)]:
            check_whole(directory)  # before anything is made
        if arguments.output:
            write_output(names, arguments.namespace, arguments.output)
        elif is_page:
            push_pages(arguments)
        elif arguments.dry_run:
            print_plan(HfApi(token=arguments.token), names, arguments.namespace)
        else:
            push(names, arguments.namespace, arguments.token, arguments.private)
    except KeyboardInterrupt:
        sys.exit("Interrupted. Nothing is half-pushed; the same command does the rest.")
    except PushError as error:
        sys.exit(f"error: {error}")
    except CLIENT_ERRORS as error:
        sys.exit(f"error: {explain(error, arguments.space or arguments.static_space or arguments.namespace)}")


if __name__ == "__main__":
    main()
