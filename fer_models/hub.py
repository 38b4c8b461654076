"""The models' places on the Hub: names of repositories, fixed revisions, downloads, and errors in plain words."""

import errno
import hashlib
import math
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

# All that decides what a model answers; the code is this package's.
MODEL_FILES = ("config.json", "model.safetensors", "preprocessor_config.json")
# What the client raises. RuntimeError comes from hf_xet, which moves large files and tells all else in its message.
CLIENT_ERRORS = (OSError, httpx2.HTTPError, RuntimeError)
XET_STATUS = re.compile(r"HTTP status \w+ error \((\d{3})")
XET_DISK_FULL = "os error 28"
# Who let a question wait for so long is not asked again for as long: each of a page's models would wait anew.
ANSWER_TIMEOUT_S = 60.0
# A Hub that is busy is asked once more, if it need not be waited for longer than this: who loads has another choice.
PAUSE_S, LONGEST_PAUSE_S = 1.0, 5.0
# When a question was last given up, on the clock of `time.monotonic`.
_given_up_s = -math.inf


class HubUnreachableError(OSError):
    """No Hub answered, or one that is out of order: what lies on this machine is all there is."""


def make_repo_id(namespace: str, name: str) -> str:
    """Where a model of the zoo lives: `baseline` of `alice` is `alice/fer-baseline`.

    Raises:
        ValueError: There can be no such user or organization.
    """
    repo_id = f"{namespace}/fer-{name}"
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise ValueError(
            f"{namespace!r} cannot be a user or an organization of the Hub: a name is letters, digits and single - _ ."
        ) from error
    return repo_id


def make_fixed_revision(directory: Path, tag: str | None = None) -> str:
    """A revision's name that can only mean the model in `directory`, such as `report-0a1b2c3d4e5f`.

    It is the tag, and the beginning of the SHA-256 over weights, configuration and preprocessing, so that
    it names the same model wherever it was pushed, and what is downloaded by it can be checked.

    Args:
        directory: A checkpoint's folder.
        tag: The tag; by default what the folder's name, `<name>.<tag>`, says.
    """
    return f"{tag or directory.name.partition('.')[2]}-{compute_fingerprint(directory)}"


def compute_fingerprint(directory: Path) -> str:
    """The first 12 hexadecimal digits of the SHA-256 over the files that decide what a model answers."""
    return hashlib.sha256(b"".join((directory / name).read_bytes() for name in MODEL_FILES)).hexdigest()[:12]


def download_checkpoint(repo_id: str, revision: str) -> Path:
    """Fetch a model and its results from the Hub, or from the cache if they are there and the Hub is not.

    Args:
        repo_id: `<namespace>/fer-<name>`.
        revision: Branch, tag or commit. What `make_fixed_revision` named is checked.

    Returns:
        The folder in the cache; complete, and without code.

    Raises:
        HubUnreachableError: There is no network, or the Hub is out of order, and the cache lacks a file.
        OSError: Anything else, told in a sentence.
    """
    what = f"{repo_id} at the revision {revision!r}"
    trouble: BaseException | None = None
    try:
        _ask(repo_id, revision)
    except CLIENT_ERRORS as error:
        if not is_unreachable(error):
            raise OSError(explain(error, what)) from error
        trouble = error
    try:
        wanted = [*MODEL_FILES, "results.json"]
        directory = Path(
            snapshot_download(repo_id, revision=revision, allow_patterns=wanted, local_files_only=trouble is not None)
        )
    except CLIENT_ERRORS as error:
        trouble = trouble or error
        kind = HubUnreachableError if is_unreachable(trouble) else OSError
        raise kind(explain(trouble, what)) from trouble
    missing = [name for name in wanted if not (directory / name).is_file()]
    if missing and trouble:  # the cache holds only some of them
        raise HubUnreachableError(explain(trouble, what)) from trouble
    if missing:
        raise OSError(f"{what} is no model of this package: it lacks {missing}.")
    fixed = re.fullmatch(r".+-([0-9a-f]{12})", revision)
    if fixed and fixed[1] != compute_fingerprint(directory):
        raise OSError(
            f"{what} does not hold the model that this revision names. Run `{make_removal(directory)}` and try "
            "again; if it is so again, the repository was tampered with."
        )
    return directory


def _ask(repo_id: str, revision: str) -> None:
    """Ask for a revision, apart: a download would wait for ever on a Hub that takes questions and does not answer."""
    global _given_up_s
    if time.monotonic() - _given_up_s < ANSWER_TIMEOUT_S:
        raise httpx2.TimeoutException("it did not answer just now")
    ask = partial(HfApi().model_info, repo_id, revision=revision, timeout=ANSWER_TIMEOUT_S)
    try:
        ask()
    except CLIENT_ERRORS as error:
        if any(isinstance(cause, httpx2.TimeoutException) for cause in unfold(error)):
            _given_up_s = time.monotonic()
        asked_s = get_retry_after(error)
        pause_s = PAUSE_S if asked_s is None else asked_s
        if get_status(error) is None or not is_unreachable(error) or pause_s > LONGEST_PAUSE_S:
            raise
        time.sleep(pause_s)
        ask()


def make_removal(directory: Path) -> str:
    """The command that removes a snapshot's repository from the cache.

    To delete its folder would not do: large files lie elsewhere, and the same ones, damaged or not, are linked again.
    """
    return f"hf cache rm {directory.parents[1].name.replace('models--', 'model/', 1).replace('--', '/')}"


def unfold(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that caused it; the client often wraps the telling one."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def get_status(error: BaseException) -> int | None:
    """The HTTP status that the Hub answered with, if it did."""
    for cause in unfold(error):
        if isinstance(cause, HfHubHTTPError):
            return cause.response.status_code
        if match := XET_STATUS.search(str(cause)):
            return int(match[1])
    return None


def is_unreachable(error: BaseException) -> bool:
    """Whether the Hub gave no answer, or one that says nothing about what was asked: busy or out of order."""
    status = get_status(error)
    if status is not None:
        return status in (408, 429) or (status >= 500 and status != 507)
    return any(is_cut_off(cause) for cause in unfold(error))


def is_cut_off(error: BaseException) -> bool:
    """Whether a connection could not be made, or broke."""
    if XET_DISK_FULL in str(error):
        return False
    return isinstance(error, (httpx2.TransportError, ConnectionError)) or "CAS Client Error" in str(error)


def is_disk_full(error: BaseException) -> bool:
    """Whether this machine had no room for a file."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or XET_DISK_FULL in str(error)


def explain(error: BaseException, what: str) -> str:
    """An error of the Hub's client in one or two sentences that say what to do.

    Args:
        error: What the client raised.
        what: What was to be read or written, such as `alice/fer-baseline`.
    """
    for cause in unfold(error):
        if is_disk_full(cause):
            return f"The disk is full ({cause}). Make room and run the same again; nothing half is kept."
        if isinstance(cause, LocalTokenNotFoundError):
            return "No token is given. Log in with `hf auth login`, or set HF_TOKEN to a token with the role write."
        if isinstance(cause, OfflineModeIsEnabled):
            return f"{what} is not on this machine, and HF_HUB_OFFLINE forbids to ask the Hub. Unset it and try again."
        if isinstance(cause, RevisionNotFoundError):
            return f"There is no {what} on the Hub. Name a revision that its page lists, or push it first."
        if isinstance(cause, RepositoryNotFoundError):
            return (
                f"There is no {what} on the Hub, or it is private and your token may not see it. Check the name, and "
                "log in with `hf auth login` or set HF_TOKEN."
            )
    if status := get_status(error):
        return _explain_status(status, error, what)
    if is_unreachable(error):
        return f"The Hub cannot be reached for {what} ({error}). Check the network, then run the same again."
    return f"{what}: {error}"


def _explain_status(status: int, error: BaseException, what: str) -> str:
    answers = [cause for cause in unfold(error) if isinstance(cause, HfHubHTTPError)]
    said = (answers[0].server_message or "") if answers else str(error)
    wait_s = get_retry_after(error)
    wait = "a minute" if wait_s is None else f"{wait_s:.0f} s"
    sentences = {
        401: "The Hub does not know your token, or you gave none. Log in with `hf auth login`, or set HF_TOKEN.",
        403: f"Your token is not allowed this with {what}. To read takes access to the repository; to push, the role "
        "write, and a place in the namespace.",
        404: f"There is no {what} on the Hub. Check the name.",
        409: f"Somebody else is changing {what}. Wait until they are done, then run the same again.",
        412: f"Somebody else changed {what} meanwhile. Run the same again.",
        429: f"The Hub was asked too often. Wait {wait}, then run the same again.",
        507: f"The Hub has no more room for {what}. Free some in the namespace's settings, or choose another.",
    }
    other = f"The Hub {'is out of order for' if status >= 500 else 'refuses'} {what}. Run the same again later."
    return f"{sentences.get(status, other)} (HTTP {status}: {said.partition(chr(10))[0].rstrip('.')})"


def get_retry_after(error: BaseException) -> float | None:
    """How many seconds the Hub asked to wait, if it did."""
    for cause in unfold(error):
        if isinstance(cause, HfHubHTTPError):
            value = cause.response.headers.get("Retry-After", "")
            return float(value) if value.isdigit() else None
    return None
