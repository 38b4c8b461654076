"""What the loopback Hub of the tests remembers: repositories with commits, branches and tags, files, collections.

In memory only. `hub_server` speaks HTTP; this file knows nothing of it but the status codes of the errors.
"""

import hashlib
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hub_xet import XetStore

# The Hub's own for a new model repository, as far as these tests need it.
GIT_ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n*.safetensors filter=lfs diff=lfs merge=lfs -text\n"


class HubError(Exception):
    """An answer that is no success: status, sentence, and the Hub's `X-Error-Code`."""

    def __init__(self, status: int, message: str, code: str | None = None, **more: Any):
        super().__init__(message)
        self.status, self.message, self.code, self.more = status, message, code, more


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(frozen=True)
class File:
    """One file of a commit. Git keeps a large one as a pointer to its SHA-256; its content lies in Xet's store."""

    content: bytes
    size: int
    sha256: str
    xet_hash: str | None = None

    @property
    def pointer(self) -> bytes:
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n"
        return text.encode()

    @property
    def oid(self) -> str:
        """The name that git gives to a file of this content."""
        content = self.pointer if self.xet_hash else self.content
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.xet_hash else self.oid


def make_file(content: bytes) -> File:
    """A small file."""
    return File(content, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class Commit:
    sha: str
    title: str
    parent: str | None
    files: dict[str, File]
    date: str = field(default_factory=now)


@dataclass
class Repo:
    """A repository; `branches` and `tags` map names to the SHA of a commit."""

    repo_id: str
    repo_type: str
    private: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commit("main", "initial commit", {".gitattributes": make_file(GIT_ATTRIBUTES)})

    def get(self, revision: str) -> Commit:
        """The commit of a branch, a tag or a SHA."""
        sha = self.branches.get(revision) or self.tags.get(revision) or revision
        matches = [commit for known, commit in self.commits.items() if len(sha) >= 7 and known.startswith(sha)]
        if len(matches) != 1:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return matches[0]

    def get_file(self, revision: str, path: str) -> tuple[Commit, File]:
        commit = self.get(revision)
        if path not in commit.files:
            raise HubError(404, "Entry not found", "EntryNotFound", headers={"X-Repo-Commit": commit.sha})
        return commit, commit.files[path]

    def commit(self, branch: str, title: str, files: dict[str, File], parent: str | None = None) -> Commit:
        """Put `files`, the whole tree, at the head of a branch, all at once."""
        head = self.branches.get(branch)
        if parent is not None and not (head or "").startswith(parent):
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        listing = "".join(f"{path} {file.oid}\n" for path, file in sorted(files.items()))
        sha = hashlib.sha1(f"{self.repo_type} {self.repo_id} {head} {title} {len(self.commits)}\n{listing}".encode())
        commit = Commit(sha.hexdigest(), title, head, files)
        self.commits[commit.sha] = commit
        self.branches[branch] = commit.sha
        return commit

    def log(self, revision: str) -> list[Commit]:
        """The commits that lead to a revision, the newest first."""
        commits = [self.get(revision)]
        while commits[-1].parent:
            commits.append(self.commits[commits[-1].parent])
        return commits


@dataclass
class Store:
    """Everything on the Hub. `tokens` maps a token to user and role, `members` an organization to its writers."""

    tokens: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {"hf_alice": ("alice", "write"), "hf_alice_read": ("alice", "read")}
    )
    members: dict[str, set[str]] = field(default_factory=lambda: {"faces": {"alice"}})
    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    xet: XetStore = field(default_factory=XetStore)
    collections: dict[str, dict[str, Any]] = field(default_factory=dict)

    def copy(self) -> "Store":
        """Another Hub with the same on it."""
        other = deepcopy(self)
        other.xet.name = XetStore().name
        return other

    def find(self, repo_type: str, repo_id: str, user: str | None) -> Repo:
        """A repository that `user` may see."""
        repo = self.repos.get((repo_type, repo_id))
        if repo is None or (repo.private and not self.owns(user, repo_id.partition("/")[0])):
            if user is None:  # the Hub does not tell strangers what exists
                raise HubError(401, "Invalid username or password.", "RepoNotFound")
            raise HubError(404, "Repository not found", "RepoNotFound")
        return repo

    def owns(self, user: str | None, namespace: str) -> bool:
        return user is not None and (user == namespace or user in self.members.get(namespace, ()))
