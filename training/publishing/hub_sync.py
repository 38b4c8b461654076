"""Making a revision of a repository on the Hub equal to a set of files: one commit, or none if it is so already."""

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import get_session

from fer_models.hub import ANSWER_TIMEOUT_S, CLIENT_ERRORS, get_retry_after, is_unreachable

# Waits before the second, third and fourth try, unless the Hub names one; the client's own come on top.
PAUSES_S = (2.0, 10.0, 30.0)
LONGEST_PAUSE_S = 300.0

Result = TypeVar("Result")


class PushError(Exception):
    """A push that cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Change:
    """One file that a commit would touch; `sign` is `+` for new, `~` for changed and `-` for deleted."""

    sign: str
    path: str
    size: int = 0

    def __str__(self) -> str:
        return f"{self.sign} {self.path}" + (f"  {self.size:,} bytes" if self.sign != "-" else "")


@dataclass(frozen=True)
class Revision:
    """Where files go: a branch of a repository."""

    repo_id: str
    branch: str = "main"
    repo_type: str = "model"

    def __str__(self) -> str:
        return f"{self.repo_id}, {self.branch}"


def retry(action: Callable[[], Result]) -> Result:
    """Do what may safely be done twice, again after a pause while the Hub is busy, out of order, slow or cut off."""
    for pause_s in PAUSES_S:
        get_session().timeout = ANSWER_TIMEOUT_S  # the client would wait for ever
        try:
            return action()
        except CLIENT_ERRORS as error:
            if not is_unreachable(error):
                raise
            asked_s = get_retry_after(error)
            pause_s = min(asked_s if asked_s is not None else pause_s, LONGEST_PAUSE_S)
            said = str(error).partition("\n")[0]
            print(f"The Hub does not answer as it should ({said}). Next try in {pause_s:.0f} s.", file=sys.stderr)
            time.sleep(pause_s)
    return action()


def compare(api: HfApi, where: Revision, files: dict[str, bytes]) -> tuple[str | None, list[Change]]:
    """What has to change so that a branch holds just `files`; the Hub's own dot files stay.

    Returns:
        The commit that was looked at, None if there is no such repository or branch yet, and the changes by path.
    """
    try:
        kind, branch = where.repo_type, where.branch
        head = api.repo_info(where.repo_id, repo_type=kind, revision=branch, timeout=ANSWER_TIMEOUT_S).sha
        tree = api.list_repo_tree(where.repo_id, recursive=True, revision=head, repo_type=kind)
        remote = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    except (RepositoryNotFoundError, RevisionNotFoundError):
        head, remote = None, {}
    changes = [
        Change("~" if path in remote else "+", path, len(content))
        for path, content in files.items()
        if path not in remote or not _is_same(content, remote[path])
    ]
    changes += [Change("-", path) for path in remote if path not in files and not path.startswith(".")]
    return head, sorted(changes, key=lambda change: change.path)


def _is_same(content: bytes, entry: RepoFile) -> bool:
    if entry.lfs:
        return entry.lfs.sha256 == hashlib.sha256(content).hexdigest()
    return entry.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sync(api: HfApi, where: Revision, files: dict[str, bytes], message: str) -> tuple[str, list[Change]]:
    """Make an existing branch hold just `files`, in one commit; none if nothing changed.

    An answer that was lost does no harm: what is there is compared again before the next try.

    Returns:
        The commit at the branch's head, and what it changed.

    Raises:
        OSError, httpx2.HTTPError, RuntimeError: What `fer_models.hub.explain` puts in words; the branch is as before.
        ValueError: The card's metadata is not valid.
    """
    done: list[Change] = []

    def commit() -> str:
        head, changes = compare(api, where, files)
        if head and not changes:
            return head
        done[:] = changes
        operations = [
            CommitOperationDelete(change.path)
            if change.sign == "-"
            else CommitOperationAdd(change.path, files[change.path])
            for change in changes
        ]
        return api.create_commit(
            where.repo_id,
            operations,
            commit_message=message,
            repo_type=where.repo_type,
            revision=where.branch,
            parent_commit=head,
        ).oid

    return retry(commit), done


def check_is_ours(api: HfApi, where: Revision, needed: str) -> None:
    """Refuse to overwrite what another program put there.

    Args:
        api: The Hub.
        where: The repository; it may be one that is not there yet.
        needed: A file that all that is pushed from here has.

    Raises:
        PushError: The repository holds files, and not this one.
    """
    try:
        listing = retry(lambda: api.list_repo_files(where.repo_id, repo_type=where.repo_type))
    except RepositoryNotFoundError:
        return
    paths = set(listing) - {".gitattributes", "README.md"}
    if paths and needed not in paths:
        raise PushError(
            f"{where.repo_id} holds something that was not pushed from here ({', '.join(sorted(paths)[:3])}, ...). "
            "Move or delete it on the Hub, or choose another name."
        )


def list_differences(folder: Path, files: dict[str, bytes]) -> list[str]:
    """Which of `files` a folder does not hold as they are here."""
    return [
        path
        for path, content in files.items()
        if not (folder / path).is_file() or (folder / path).read_bytes() != content
    ]


def plan_page(api: HfApi, space_id: str, files: dict[str, bytes], own_file: str) -> list[Change]:
    """What a push of a page would change, by path.

    Raises:
        PushError: The Space holds another page.
    """
    where = Revision(space_id, repo_type="space")
    check_is_ours(api, where, own_file)
    return retry(lambda: compare(api, where, files))[1]


def push_page(
    api: HfApi, space_id: str, sdk: str, files: dict[str, bytes], own_file: str, message: str, private: bool
) -> str:
    """Make or update a Space in one commit, and prove what arrived.

    Args:
        api: The Hub.
        space_id: `<owner>/<name>`.
        sdk: `gradio` or `static`.
        files: What it holds, by path.
        own_file: A file that no other page has.
        message: The commit's.
        private: Make a new Space private.

    Returns:
        Its address.

    Raises:
        PushError: It holds another page, or what arrived differs.
        OSError, httpx2.HTTPError, RuntimeError: What `fer_models.hub.explain` puts in words.
    """
    where = Revision(space_id, repo_type="space")
    retry(lambda: api.create_repo(space_id, repo_type="space", space_sdk=sdk, private=private, exist_ok=True))
    check_is_ours(api, where, own_file)
    commit, changes = sync(api, where, files, message)
    for change in changes:
        print(f"  {change}")
    verify_page(api, space_id, commit, files)
    print(f"{where}: {'pushed' if changes else 'unchanged'}, commit {commit}; same files as here", flush=True)
    return f"{api.endpoint}/spaces/{space_id}"


def verify_page(api: HfApi, space_id: str, commit: str, files: dict[str, bytes]) -> None:
    """Download a commit to an empty folder and compare it with what was sent.

    Raises:
        PushError: They differ.
    """
    with tempfile.TemporaryDirectory(prefix="fer-space-") as folder:
        back = retry(lambda: api.snapshot_download(space_id, repo_type="space", revision=commit, cache_dir=folder))
        different = list_differences(Path(back), files)
    if different:
        raise PushError(f"{space_id} at {commit} is not what was sent: {', '.join(different)}. Run the same again.")
