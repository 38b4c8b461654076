"""What the loopback Hub of the tests remembers: repositories with commits, branches and tags, files, collections.

In memory only. `hub_server` speaks HTTP; this file knows nothing of it but the status codes of the errors.
"""

import hashlib
import itertools
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml

# The Hub's own for a new model repository, as far as these tests need it.
GIT_ATTRIBUTES = b"*.bin filter=lfs diff=lfs merge=lfs -text\n*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
SPACE_FIELDS = {
    "sdk": {"gradio", "docker", "static"},
    "colorFrom": {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"},
    "colorTo": {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"},
}
LICENSES = {"apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc0-1.0", "openrail", "other", "unknown"}


class HubError(Exception):
    """An answer that is no success: status, sentence, and the Hub's `X-Error-Code`."""

    def __init__(self, status: int, message: str, code: str | None = None, **more: Any):
        super().__init__(message)
        self.status, self.message, self.code, self.more = status, message, code, more


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def git_hash(content: bytes) -> str:
    """The name that git gives to a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class File:
    """One file of a commit. A large one is kept by git as a pointer to its SHA-256."""

    content: bytes
    is_lfs: bool
    xet_hash: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pointer(self) -> bytes:
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.content)}\n"
        return text.encode()

    @property
    def oid(self) -> str:
        return git_hash(self.pointer if self.is_lfs else self.content)

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_lfs else self.oid


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

    def __post_init__(self) -> None:
        self.commit("main", "initial commit", {".gitattributes": File(GIT_ATTRIBUTES, False)})

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
        default_factory=lambda: {
            "hf_alice": ("alice", "write"),
            "hf_alice_read": ("alice", "read"),
            "hf_bob": ("bob", "write"),
        }
    )
    members: dict[str, set[str]] = field(default_factory=lambda: {"faces": {"alice"}})
    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)  # large files by SHA-256, committed or not
    xet_hashes: dict[str, str] = field(default_factory=dict)  # SHA-256 -> Xet hash
    collections: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(0x64F9A55B))

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

    def new_id(self) -> str:
        return f"{next(self._ids):x}bb3115b4f513ec026"[:24]


def check_card(content: str, repo_type: str) -> list[str]:
    """What the Hub would object to in the metadata of a README.md, as far as these tests know its rules."""
    match = re.match(r"^\s*---\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", content, re.DOTALL)
    if not match:
        return []
    try:
        data = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [f"Invalid YAML: {error}"]
    if not isinstance(data, dict):
        return ["The metadata must be an object"]
    errors = []
    if data.get("license") is not None and data["license"] not in LICENSES:
        errors.append(f'"license" must be one of {sorted(LICENSES)}')
    errors += _check_space(data) if repo_type == "space" else _check_model(data)
    return errors


def _check_space(data: dict[str, Any]) -> list[str]:
    errors = [
        f'"{name}" must be one of {sorted(allowed)}'
        for name, allowed in SPACE_FIELDS.items()
        if name in data and data[name] not in allowed
    ]
    if "sdk" not in data:
        errors.append('"sdk" is required')
    if len(str(data.get("short_description", ""))) > 60:
        errors.append('"short_description" length must be less than or equal to 60 characters long')
    if not isinstance(data.get("python_version", "3.10"), str):
        errors.append('"python_version" must be a string')
    return errors


def _check_model(data: dict[str, Any]) -> list[str]:
    errors = [
        f'"{name}" must be an array' for name in ("tags", "datasets", "metrics") if isinstance(data.get(name), str)
    ]
    for index, model in enumerate(data.get("model-index") or []):
        for number, result in enumerate(model.get("results") or []):
            where = f'"model-index[{index}].results[{number}]'
            required = {"task": ["type"], "dataset": ["type", "name"]}
            for part, names in required.items():
                errors += [
                    f'{where}.{part}.{name}" is required' for name in names if not (result.get(part) or {}).get(name)
                ]
            if not result.get("metrics"):
                errors.append(f'{where}.metrics" is required')
            for metric in result.get("metrics") or []:
                errors += [f'{where}.metrics.{name}" is required' for name in ("type", "value") if name not in metric]
        if not model.get("name"):
            errors.append(f'"model-index[{index}].name" is not allowed to be empty')
    return errors
