"""Making a revision of a repository on the Hub equal to a set of files: one commit, or none if it is so already."""

import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True)
class Page:
    """A Space.

    Attributes:
        where: Its repository.
        sdk: `gradio` or `static`.
        own_file: A file that no other page has.
        message: The commit's.
        files: What it holds, by path.
        variables: What is set there; an empty one is deleted.
    """

    where: Revision
    sdk: str
    own_file: str
    message: str
    files: dict[str, bytes]
    variables: dict[str, str] = field(default_factory=dict)


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


def plan_page(api: HfApi, page: Page) -> list[Change]:
    """What a push of a page would change, by path.

    Raises:
        PushError: The Space holds another page.
    """
    check_is_ours(api, page.where, page.own_file)
    return retry(lambda: compare(api, page.where, page.files))[1]


def push_page(api: HfApi, page: Page, private: bool) -> str:
    """Make or update a Space in one commit, and see that the Hub holds just these files.

    Args:
        api: The Hub.
        page: What it shows.
        private: Make a new Space private.

    Returns:
        Its address.

    Raises:
        PushError: It holds another page, or what arrived differs.
        OSError, httpx2.HTTPError, RuntimeError: What `fer_models.hub.explain` puts in words.
    """
    where, space_id, sdk = page.where, page.where.repo_id, page.sdk
    retry(lambda: api.create_repo(space_id, repo_type="space", space_sdk=sdk, private=private, exist_ok=True))
    check_is_ours(api, where, page.own_file)
    commit, changes = sync(api, where, page.files, page.message)
    for change in changes:
        print(f"  {change}")
    verify_page(api, page, commit)
    print(f"{where}: {'pushed' if changes else 'unchanged'}, commit {commit}; same files as here", flush=True)
    for name, value in page.variables.items():
        set_variable(api, space_id, name, value)
    return f"{api.endpoint}/spaces/{space_id}"


def verify_page(api: HfApi, page: Page, commit: str) -> None:
    """Compare a commit with what was sent, by the Hub's own checksums.

    Raises:
        PushError: They differ.
    """
    different = retry(lambda: compare(api, replace(page.where, branch=commit), page.files))[1]
    if different:
        paths = ", ".join(change.path for change in different)
        raise PushError(f"{page.where.repo_id} at {commit} is not what was sent: {paths}. Run the same again.")


def set_variable(api: HfApi, space_id: str, name: str, value: str) -> None:
    """Set a variable of the Space, or delete it if empty; not if it is so already, since that starts it anew."""
    known = retry(lambda: api.get_space_variables(space_id)).get(name)
    if (known.value if known else "") == value:
        return
    if value:
        retry(lambda: api.add_space_variable(space_id, name, value))
    else:
        retry(lambda: api.delete_space_variable(space_id, name))
