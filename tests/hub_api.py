"""The loopback Hub's routes but for files: cards, repositories, branches, tags, trees, collections."""

import re
import secrets
from typing import Any

from hub_cards import check_card
from hub_http import API, REPO, Handler, Reply, route
from hub_store import File, HubError, Repo, now


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
    entry = {"type": "file", "path": path, "size": file.size, "oid": file.oid}
    if file.xet_hash:
        entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": len(file.pointer)}
        entry["xetHash"] = file.xet_hash
    return entry


@route("GET", API + r"/tree/(?P<revision>[^/]+)(?:/(?P<folder>.+))?")
def list_tree(call: Handler) -> Reply:
    files = call.find_repo().get(call.arguments["revision"]).files
    prefix = f"{call.arguments['folder']}/" if "folder" in call.arguments else ""
    entries: dict[str, dict[str, Any]] = {}
    for path in sorted(path for path in files if path.startswith(prefix)):
        head, slash, _ = path.removeprefix(prefix).partition("/")
        if slash and call.query.get("recursive") != ["true"]:
            entries[prefix + head] = {"type": "directory", "path": prefix + head, "size": 0, "oid": "0" * 40}
        else:
            entries[path] = describe_file(path, files[path])
    if prefix and not entries:
        raise HubError(404, f"{prefix} does not exist", "EntryNotFound")
    return Reply(list(entries.values()))


@route("GET", r"/api/(?P<kind>spaces)/" + REPO + "/variables")
@route("POST", r"/api/(?P<kind>spaces)/" + REPO + "/variables")
@route("DELETE", r"/api/(?P<kind>spaces)/" + REPO + "/variables")
def space_variables(call: Handler) -> Reply:
    repo = call.find_repo_to_write()
    if call.command == "POST":
        repo.variables[call.json["key"]] = call.json["value"]
    elif call.command == "DELETE":
        repo.variables.pop(call.json["key"], None)
    return Reply({key: {"key": key, "value": value} for key, value in repo.variables.items()})


@route("POST", r"/api/(?P<kind>spaces)/" + REPO + "/duplicate")
def duplicate_repo(call: Handler) -> Reply:
    source, repo_id = call.find_repo(), call.json["repository"]
    call.check_may_write(repo_id.partition("/")[0], f"create a space under the namespace of {repo_id}")
    copy = Repo(repo_id, "space", source.private, dict(source.settings), variables=dict(source.variables))
    copy.commit("main", "Duplicate", source.get("main").files)
    call.server.store.repos["space", repo_id] = copy
    return Reply({"url": f"{call.server.endpoint}/spaces/{repo_id}"})


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
    slug = f"{asked['namespace']}/{words}-{secrets.token_hex(12)}"
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
    entry = {"_id": secrets.token_hex(12), "position": len(collection["items"]), **item, **note}
    collection["items"].append(entry)
    return Reply(collection)
