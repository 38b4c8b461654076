"""A Hub on loopback for the tests: the HTTP protocol that huggingface_hub 2.4 speaks, and it can misbehave on order.

`with HubServer() as hub:` serves at `hub.endpoint`; only the real client talks to it. `python tests/hub_server.py 8123`
serves until it is stopped, for a client in another environment. Tokens: `hf_alice` (may write to alice and to the
organization faces), `hf_alice_read`, `hf_bob`.
"""

import base64
import json
import re
import sys
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep  # by name: tests replace time.sleep for the client
from typing import Any

from hub_store import File, HubError, Repo, Store, check_card, now

REPO = r"(?P<repo_id>[^/]+/[^/]+)"
API = rf"/api/(?P<kind>models|datasets|spaces)/{REPO}"
FILES = rf"/(?:(?P<kind>datasets|spaces)/)?{REPO}"


@dataclass
class Fault:
    """What goes wrong with the next `times` requests that match; the first fault that matches is taken.

    Attributes:
        path: Regular expression that is searched in the path.
        method: HTTP method; empty for any.
        status: Answer with this instead of doing what was asked.
        message: Sentence of that answer.
        headers: Headers of that answer.
        cut_after: Do what was asked, but close the connection after so many bytes of the answer's body.
        delay_s: Seconds to wait before the answer.
        times: How often; the requests after that go well.
    """

    path: str
    method: str = ""
    status: int | None = None
    message: str = "on order"
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    delay_s: float = 0
    times: int = 1_000_000


@dataclass
class Reply:
    """An answer: bytes, or anything else as JSON."""

    content: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Route = Callable[["Handler"], Reply]
ROUTES: list[tuple[str, re.Pattern[str], Route]] = []


def route(method: str, path: str) -> Callable[[Route], Route]:
    def register(function: Route) -> Route:
        ROUTES.append((method, re.compile(path), function))
        return function

    return register


class HubServer(ThreadingHTTPServer):
    """The server; `requests` lists `(method, path, status)` of all that was asked, `faults` what is to go wrong."""

    daemon_threads = True

    def __init__(self, port: int = 0):
        super().__init__(("127.0.0.1", port), Handler)
        self.store = Store()
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, int]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def count(self, method: str, path: str) -> int:
        """How many requests of this method had a path in which the regular expression is found."""
        return sum(method == asked and re.search(path, where) is not None for asked, where, _ in self.requests)

    def repo(self, repo_id: str, repo_type: str = "model") -> Repo:
        return self.store.repos[repo_type, repo_id]

    def take_fault(self, method: str, path: str) -> Fault | None:
        with self.store.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.method in ("", method) and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that went away is no error here
            super().handle_error(request, client_address)

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection; finds the route, and sends the reply or what a fault makes of it."""

    protocol_version = "HTTP/1.1"
    server: HubServer

    def answer(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        self.query = urllib.parse.parse_qs(url.query)
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.take_fault(self.command, url.path)
        if fault:
            sleep(fault.delay_s)
        try:
            if fault and fault.status:
                raise HubError(fault.status, fault.message, headers=fault.headers)
            with self.server.store.lock:
                reply = self.dispatch(url.path)
        except HubError as error:
            headers = {"X-Error-Message": error.message} | error.more.pop("headers", {})
            if error.code:
                headers["X-Error-Code"] = error.code
            reply = Reply({"error": error.message} | error.more, error.status, headers)
        self.server.requests.append((self.command, url.path, reply.status))
        self.send(reply, None if fault is None else fault.cut_after)

    def dispatch(self, path: str) -> Reply:
        for method, pattern, function in ROUTES:
            match = pattern.fullmatch(path)
            if match and method in (self.command, "GET" if self.command == "HEAD" else self.command):
                self.arguments = {
                    name: urllib.parse.unquote(value) for name, value in match.groupdict().items() if value is not None
                }
                return function(self)
        raise HubError(404, f"Sorry, we can't find {path}.")

    def send(self, reply: Reply, cut_after: int | None) -> None:
        is_json = not isinstance(reply.content, bytes)
        content = json.dumps(reply.content).encode() if is_json else reply.content
        headers = {"Content-Type": "application/json" if is_json else "application/octet-stream"} | reply.headers
        first, last = 0, len(content) - 1
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and reply.status == 200:
            first, last = int(asked[1]), min(int(asked[2] or last), last)
            reply.status = 206 if first <= last else 416
            headers["Content-Range"] = (
                f"bytes {first}-{last}/{len(content)}" if first <= last else f"bytes */{last + 1}"
            )
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        body = content[first : last + 1]
        self.send_header("Content-Length", str(len(body)))
        if cut_after is not None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut_after is None else body[:cut_after])

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass

    # What routes need.

    @property
    def user_and_role(self) -> tuple[str | None, str]:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None, "read"
        if token not in self.server.store.tokens:
            raise HubError(401, "Invalid credentials in Authorization header")
        return self.server.store.tokens[token]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def repo_type(self) -> str:
        return self.arguments.get("kind", "models").rstrip("s")

    def find_repo(self) -> Repo:
        return self.server.store.find(self.repo_type, self.arguments["repo_id"], self.user_and_role[0])

    def find_repo_to_write(self) -> Repo:
        repo = self.find_repo()
        self.check_may_write(repo.repo_id.partition("/")[0], f"write to {repo.repo_id}")
        return repo

    def check_may_write(self, namespace: str, what: str) -> None:
        user, role = self.user_and_role
        if user is None:
            raise HubError(401, "Invalid username or password.")
        if role != "write" or not self.server.store.owns(user, namespace):
            raise HubError(403, f"You don't have the rights to {what}")


@route("GET", "/api/whoami-v2")
def whoami(call: Handler) -> Reply:
    user, role = call.user_and_role
    if user is None:
        raise HubError(401, "Invalid username or password.")
    orgs = [{"type": "org", "name": name} for name, members in call.server.store.members.items() if user in members]
    access = {"type": "access_token", "accessToken": {"displayName": "test", "role": role}}
    return Reply({"type": "user", "id": user, "name": user, "fullname": user, "orgs": orgs, "auth": access})


@route("POST", "/api/validate-yaml")
def validate_yaml(call: Handler) -> Reply:
    errors = check_card(call.json["content"], call.json["repoType"])
    return Reply({"errors": [{"message": error} for error in errors], "warnings": []}, 400 if errors else 200)


@route("POST", "/api/repos/create")
def create_repo(call: Handler) -> Reply:
    asked = call.json
    repo_type = asked.get("type", "model")
    namespace = asked["organization"] or call.user_and_role[0]
    call.check_may_write(namespace or "", f'create a {repo_type} under the namespace "{namespace}"')
    repo_id = f"{namespace}/{asked['name']}"
    prefix = "" if repo_type == "model" else f"{repo_type}s/"
    place = {"url": f"{call.server.endpoint}/{prefix}{repo_id}", "name": repo_id, "id": repo_id}
    if (repo_type, repo_id) in call.server.store.repos:
        raise HubError(409, f"You already created this {repo_type} repo", **place)
    if repo_type == "space" and "sdk" not in asked:
        raise HubError(400, '"sdk" is required')
    repo = Repo(repo_id, repo_type, asked.get("visibility") == "private", asked)
    call.server.store.repos[repo_type, repo_id] = repo
    return Reply(place)


@route("GET", API)
@route("GET", API + r"/revision/(?P<revision>[^/]+)")
def repo_info(call: Handler) -> Reply:
    repo = call.find_repo()
    commit = repo.get(call.arguments.get("revision", "main"))
    siblings = [{"rfilename": path} for path in commit.files]
    info = {"_id": repo.repo_id, "id": repo.repo_id, "author": repo.repo_id.partition("/")[0], "sha": commit.sha}
    dates = {"lastModified": commit.date, "createdAt": repo.log(commit.sha)[-1].date}
    return Reply(info | dates | {"private": repo.private, "disabled": False, "gated": False, "siblings": siblings})


@route("GET", API + "/refs")
def list_refs(call: Handler) -> Reply:
    repo = call.find_repo()

    def describe(folder: str, refs: dict[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "ref": f"refs/{folder}/{name}", "targetCommit": sha} for name, sha in refs.items()]

    return Reply({"branches": describe("heads", repo.branches), "tags": describe("tags", repo.tags), "converts": []})


@route("POST", API + r"/branch/(?P<revision>[^/]+)")
@route("POST", API + r"/tag/(?P<revision>[^/]+)")
def create_ref(call: Handler) -> Reply:
    repo = call.find_repo_to_write()
    if "/tag/" in call.path:
        refs, name, start = repo.tags, call.json["tag"], call.arguments["revision"]
    else:
        refs, name, start = repo.branches, call.arguments["revision"], call.json.get("startingPoint", "main")
    if name in refs:
        raise HubError(409, f"Reference already exists: {name}")
    refs[name] = repo.get(start).sha
    return Reply()


@route("GET", API + r"/commits/(?P<revision>[^/]+)")
def list_commits(call: Handler) -> Reply:
    commits = call.find_repo().log(call.arguments["revision"])
    return Reply([{"id": c.sha, "title": c.title, "message": "", "date": c.date, "authors": []} for c in commits])


def describe_file(path: str, file: File) -> dict[str, Any]:
    entry = {"type": "file", "path": path, "size": len(file.content), "oid": file.oid}
    if file.is_lfs:
        entry["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": len(file.pointer)}
    return entry | ({"xetHash": file.xet_hash} if file.xet_hash else {})


@route("GET", API + r"/tree/(?P<revision>[^/]+)")
def list_tree(call: Handler) -> Reply:
    commit = call.find_repo().get(call.arguments["revision"])
    return Reply([describe_file(path, file) for path, file in sorted(commit.files.items())])


@route("POST", API + r"/preupload/(?P<revision>[^/]+)")
def preupload(call: Handler) -> Reply:
    """For each file: whether git keeps it, or the store of large files (by its name, size or because it is binary)."""
    commit = call.find_repo_to_write().get(call.arguments["revision"])
    files = []
    for asked in call.json["files"]:
        is_binary = b"\0" in base64.b64decode(asked["sample"])
        is_large = asked["path"].endswith((".safetensors", ".bin")) or asked["size"] > 10 * 2**20 or is_binary
        known = commit.files.get(asked["path"])
        files.append(
            {
                "path": asked["path"],
                "uploadMode": "lfs" if is_large else "regular",
                "shouldIgnore": False,
                "oid": known and known.etag,
            }
        )
    return Reply({"files": files, "commitOid": commit.sha})


@route("POST", FILES + r"\.git/info/lfs/objects/batch")
def lfs_batch(call: Handler) -> Reply:
    call.find_repo_to_write()
    objects = []
    for asked in call.json["objects"]:
        answer = {"oid": asked["oid"], "size": asked["size"]}
        if asked["oid"] not in call.server.store.objects:
            address = f"{call.server.endpoint}/lfs/{asked['oid']}"
            verify = {"href": f"{call.server.endpoint}{call.path.removesuffix('/objects/batch')}/verify"}
            answer["actions"] = {"upload": {"href": f"{address}?signed=1"}, "verify": verify}
        objects.append(answer)
    return Reply({"transfer": "basic", "objects": objects})


@route("PUT", "/lfs/(?P<oid>[0-9a-f]{64})")
def lfs_put(call: Handler) -> Reply:
    file = File(call.body, True)
    if file.sha256 != call.arguments["oid"]:
        raise HubError(400, "The content is not what was announced.")
    call.server.store.objects[file.sha256] = call.body
    return Reply()


@route("POST", FILES + r"\.git/info/lfs/verify")
def lfs_verify(call: Handler) -> Reply:
    content = call.server.store.objects.get(call.json["oid"])
    if content is None or len(content) != call.json["size"]:
        raise HubError(404, "The object has not arrived.")
    return Reply({})


@route("POST", API + r"/commit/(?P<revision>[^/]+)")
def commit(call: Handler) -> Reply:
    repo = call.find_repo_to_write()
    branch = call.arguments["revision"]
    if branch not in repo.branches:
        raise HubError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    operations = [json.loads(line) for line in call.body.splitlines()]
    header = operations[0]["value"]
    files = dict(repo.get(branch).files)
    for operation in operations[1:]:
        value = operation["value"]
        match operation["key"]:
            case "file":
                files[value["path"]] = File(base64.b64decode(value["content"]), False)
            case "lfsFile":
                if value["oid"] not in call.server.store.objects:
                    raise HubError(400, f"The object of {value['path']} was never uploaded.")
                content = call.server.store.objects[value["oid"]]
                files[value["path"]] = File(content, True, call.server.store.xet_hashes.get(value["oid"]))
            case "deletedFile":
                if files.pop(value["path"], None) is None:
                    raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
    card = files.get("README.md")
    errors = check_card(card.content.decode(), call.repo_type) if card else []
    if errors:
        raise HubError(400, errors[0])
    new = repo.commit(branch, header["summary"], files, header.get("parentCommit"))
    prefix = "" if call.repo_type == "model" else f"{call.repo_type}s/"
    url = f"{call.server.endpoint}/{prefix}{repo.repo_id}/commit/{new.sha}"
    return Reply({"success": True, "commitOid": new.sha, "commitUrl": url})


@route("GET", FILES + r"/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
def resolve(call: Handler) -> Reply:
    """Sends a small file's reader on within the Hub, and a large one's to a store on another host."""
    repo = call.find_repo()
    commit, file = repo.get_file(call.arguments["revision"], call.arguments["path"])
    headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{file.etag}"'}
    if not file.is_lfs:
        kind, path = call.arguments.get("kind", "models"), urllib.parse.quote(call.arguments["path"])
        headers["Location"] = f"/api/resolve-cache/{kind}/{repo.repo_id}/{commit.sha}/{path}"
        return Reply(b"", 307, headers)
    headers |= {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(len(file.content))}
    headers["Location"] = f"http://localhost:{call.server.server_port}/store/{file.sha256}?signed=1"
    return Reply(b"", 302, headers)


@route("GET", rf"/api/resolve-cache/(?P<kind>models|datasets|spaces)/{REPO}/(?P<revision>[^/]+)/(?P<path>.+)")
def resolve_cache(call: Handler) -> Reply:
    commit, file = call.find_repo().get_file(call.arguments["revision"], call.arguments["path"])
    return Reply(file.content, headers={"X-Repo-Commit": commit.sha, "ETag": f'"{file.etag}"'})


@route("GET", "/store/(?P<sha256>[0-9a-f]{64})")
def get_object(call: Handler) -> Reply:
    if call.headers.get("Authorization"):
        raise HubError(400, "A token was sent to a foreign host.")
    return Reply(call.server.store.objects[call.arguments["sha256"]], headers={"Accept-Ranges": "bytes"})


@route("GET", "/api/collections")
def list_collections(call: Handler) -> Reply:
    owners = call.query.get("owner", [])
    user = call.user_and_role[0]
    return Reply(
        [
            {k: v for k, v in collection.items() if k != "position"} | {"items": collection["items"][:4]}
            for collection in call.server.store.collections.values()
            if collection["owner"]["name"] in owners
            and (not collection["private"] or call.server.store.owns(user, collection["owner"]["name"]))
        ]
    )


@route("POST", "/api/collections")
def create_collection(call: Handler) -> Reply:
    asked = call.json
    call.check_may_write(asked["namespace"], f'create a collection under the namespace "{asked["namespace"]}"')
    for slug, collection in call.server.store.collections.items():
        if (collection["owner"]["name"], collection["title"]) == (asked["namespace"], asked["title"]):
            raise HubError(409, "This collection already exists.", slug=slug)
    if len(asked.get("description", "")) > 150:
        raise HubError(400, '"description" length must be less than or equal to 150 characters long')
    words = re.sub(r"[^a-z0-9]+", "-", asked["title"].lower()).strip("-")
    slug = f"{asked['namespace']}/{words}-{call.server.store.new_id()}"
    call.server.store.collections[slug] = {
        "slug": slug,
        "title": asked["title"],
        "description": asked.get("description"),
        "owner": {"name": asked["namespace"]},
        "items": [],
        "lastUpdated": now(),
        "position": 0,
        "private": asked["private"],
        "theme": "orange",
        "upvotes": 0,
    }
    return Reply(call.server.store.collections[slug])


def find_collection(call: Handler, write: bool = False) -> dict[str, Any]:
    collection = call.server.store.collections.get(call.arguments["slug"])
    if collection is None:
        raise HubError(404, "Collection not found")
    if write:
        call.check_may_write(collection["owner"]["name"], "change this collection")
    elif collection["private"] and not call.server.store.owns(call.user_and_role[0], collection["owner"]["name"]):
        raise HubError(404, "Collection not found")
    return collection


@route("GET", "/api/collections/(?P<slug>[^/]+/[^/]+)")
def get_collection(call: Handler) -> Reply:
    return Reply(find_collection(call))


@route("POST", "/api/collections/(?P<slug>[^/]+/[^/]+)/items")
def add_collection_item(call: Handler) -> Reply:
    collection = find_collection(call, write=True)
    item = call.json["item"]
    if any((known["id"], known["type"]) == (item["id"], item["type"]) for known in collection["items"]):
        raise HubError(409, "This item is already in the collection.")
    call.server.store.find(item["type"], item["id"], call.user_and_role[0])
    note = {"note": {"text": call.json["note"]}} if call.json.get("note") else {}
    entry = {"_id": call.server.store.new_id(), "position": len(collection["items"]), **item, **note}
    collection["items"].append(entry)
    return Reply(collection)


def main() -> None:
    server = HubServer(int(sys.argv[1]) if len(sys.argv) > 1 else 8123)
    print(f"HF_ENDPOINT={server.endpoint}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
