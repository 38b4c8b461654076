"""The page as a Space: the files it holds, and the models it is pinned to; a module of push."""

from huggingface_hub import HfApi, SpaceCard
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import HFValidationError, validate_repo_id

from fer_models.hub import MODEL_FILES, make_fixed_revision, make_repo_id
from fer_models.zoo import (
    CHECKPOINTS_DIR,
    NAMESPACE_VARIABLE,
    STATIC_SPACE_VARIABLE,
    checkpoint_dir,
    list_models,
    list_tags,
)

from .. import ROOT
from .hub_sync import Page, PushError, Revision, retry

SPACE_FILES = ("LICENSE", "README.md", "app.py", "docs/screenshot.png", "pyproject.toml", "requirements.txt")
OWN_FILE = "fer_models/zoo.py"  # no page but this has it
PACKAGE_SUFFIXES = (".css", ".jpg", ".js", ".json", ".py", ".sh")
# Of a checkpoint. Its code, recipe, card and figures are for those who load it without this package.
CHECKPOINT_FILES = (*MODEL_FILES, "history.json", "results.json")
# What Hugging Face fetches while it builds a Space; of more models, the page fetches the rest when it starts.
PRELOAD_LIMIT = 10
DOWNLOADED_FILES = ",".join((*MODEL_FILES, "results.json"))

# A repository of a model, and a commit there.
Pin = tuple[str, str]


def collect_space_files(space_id: str, pins: list[Pin], endpoint: str) -> dict[str, bytes]:
    """What the Space holds, by path.

    Args:
        space_id: Where it will lie: the picture that other sites show of it is one of its own files.
        pins: What it fetches from the Hub; nothing for a Space that keeps to the weights it brings along.
        endpoint: The Hub's address.
    """
    paths = [ROOT / name for name in SPACE_FILES]
    for path in sorted((ROOT / "fer_models").rglob("*")):
        if path.is_relative_to(CHECKPOINTS_DIR):
            is_needed = path.name in CHECKPOINT_FILES
        else:
            is_needed = path.suffix in PACKAGE_SUFFIXES and path.parent.name != "static"  # a page of its own
        if is_needed:
            paths.append(path)
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
    card = SpaceCard(files["README.md"].decode())
    card.data["thumbnail"] = f"{endpoint}/spaces/{space_id}/resolve/main/docs/screenshot.png"
    if pins:
        card.data["models"] = sorted({repo_id for repo_id, _ in pins})
        lines = [f"{repo_id} {DOWNLOADED_FILES} {commit}" for repo_id, commit in pins]
        card.data["preload_from_hub"] = lines[:PRELOAD_LIMIT]
    return files | {"README.md": str(card).encode()}


def find_pins(api: HfApi, namespace: str) -> list[Pin]:
    """The commits that hold just the bundled models, those that are shown first before the others; none if a repository
    is private, which a Space cannot read.

    Raises:
        PushError: The namespace does not hold these models.
    """
    pins = []
    bundled = [(rank, name, tag) for name in list_models() for rank, tag in enumerate(list_tags(name))]
    for directory in [checkpoint_dir(name, tag) for _, name, tag in sorted(bundled, key=lambda one: one[0])]:
        repo_id = make_repo_id(namespace, directory.name.partition(".")[0])
        revision = make_fixed_revision(directory)
        try:
            info = retry(lambda: api.model_info(repo_id, revision=revision))  # noqa: B023
        except (RepositoryNotFoundError, RevisionNotFoundError) as error:
            raise PushError(
                f"{repo_id} does not hold the model that is bundled here ({revision}). Push the models first: "
                f"python -m training.publishing.push --namespace {namespace}"
            ) from error
        if info.private or not info.sha:
            return []
        pins.append((repo_id, info.sha))
    return pins


def make_page(api: HfApi, space_id: str, namespace: str | None = None, static_space: str | None = None) -> Page:
    """The page, and where its models lie.

    Args:
        api: The Hub.
        space_id: `<owner>/<name>`.
        namespace: Where the models lie; by default with the Space's owner.
        static_space: The Space with the page that runs in the visitor's browser, to which this one links; None leaves
            the link as it is.

    Raises:
        PushError: There can be no such Space, or the namespace does not hold these models.
    """
    namespace = namespace or get_owner(space_id)
    pins = find_pins(api, namespace)
    if pins:
        print(f"{space_id}: takes its models from {namespace}, each at a fixed commit")
    else:
        print(
            f"{space_id}: keeps to the weights it brings along, since a Space cannot read {namespace}'s private models"
        )
    return Page(
        Revision(space_id, repo_type="space"),
        "gradio",
        OWN_FILE,
        "The page, and the models it is pinned to",
        collect_space_files(space_id, pins, api.endpoint),
        {NAMESPACE_VARIABLE: namespace if pins else ""}
        | ({STATIC_SPACE_VARIABLE: static_space} if static_space else {}),
    )


def get_owner(space_id: str) -> str:
    """Whose Space it is.

    Raises:
        PushError: There can be no such Space.
    """
    owner, slash, _ = space_id.partition("/")
    try:
        validate_repo_id(space_id)
    except HFValidationError:
        slash = ""
    if not slash:
        raise PushError(f"{space_id!r} cannot be a Space: name it <owner>/<name>, such as alice/fer-compare.")
    return owner
