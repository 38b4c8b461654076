"""The loopback Hub's routes for files: announced, sent by Xet if they are large, committed all at once, and fetched."""

import base64
import json
import re
import time
import urllib.parse

from hub_cards import check_card
from hub_http import API, FILES, REPO, Handler, Reply, route
from hub_store import File, HubError, make_file

XET = "/xet/[0-9a-f]+"


@route("POST", API + r"/preupload/(?P<revision>[^/]+)")
def preupload(call: Handler) -> Reply:
    """For each file: whether git keeps it, or by its name or size the store of large files."""
    commit = call.find_repo_to_write().get(call.arguments["revision"])
    files = []
    for asked in call.json["files"]:
        is_large = asked["path"].endswith((".safetensors", ".bin")) or asked["size"] > 10 * 2**20
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
                files[value["path"]] = make_file(base64.b64decode(value["content"]))
            case "lfsFile":
                xet_hash = call.server.store.xet.hashes[value["oid"]]
                files[value["path"]] = File(b"", value["size"], value["oid"], xet_hash)
            case "deletedFile":
                del files[value["path"]]
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
    """Sends a small file's reader on within the Hub, and tells a large one's where Xet has it."""
    repo = call.find_repo()
    commit, file = repo.get_file(call.arguments["revision"], call.arguments["path"])
    headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{file.etag}"'}
    if file.xet_hash is None:
        kind, path = call.arguments.get("kind", "models"), urllib.parse.quote(call.arguments["path"])
        headers["Location"] = f"/api/resolve-cache/{kind}/{repo.repo_id}/{commit.sha}/{path}"
        return Reply(b"", 307, headers)
    token_url = f"{call.server.endpoint}/api/{call.repo_type}s/{repo.repo_id}/xet-read-token/{commit.sha}"
    headers |= {"X-Xet-Hash": file.xet_hash, "Link": f'<{token_url}>; rel="xet-auth"'}
    headers |= {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
    headers["Location"] = f"http://localhost:{call.server.server_port}/only-by-xet"
    return Reply(b"", 302, headers)


@route("GET", rf"/api/resolve-cache/(?P<kind>models|datasets|spaces)/{REPO}/(?P<revision>[^/]+)/(?P<path>.+)")
def resolve_cache(call: Handler) -> Reply:
    commit, file = call.find_repo().get_file(call.arguments["revision"], call.arguments["path"])
    return Reply(file.content, headers={"X-Repo-Commit": commit.sha, "ETag": f'"{file.etag}"'})


@route("GET", API + r"/xet-(?P<mode>read|write)-token/(?P<revision>[^/]+)")
def xet_token(call: Handler) -> Reply:
    call.find_repo_to_write() if call.arguments["mode"] == "write" else call.find_repo()
    expires = int(time.time()) + 3600
    token = f"xet-{call.arguments['mode']}"
    url = f"http://localhost:{call.server.server_port}/xet/{call.server.store.xet.name}"
    headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": str(expires)}
    return Reply({"casUrl": url, "accessToken": token, "exp": expires}, headers=headers)


@route("POST", XET + "/v1/xorb-grants/default/(?P<xorb>[0-9a-f]{64})")
def xet_grant(call: Handler) -> Reply:
    xorb = call.arguments["xorb"]
    if xorb in call.server.store.xet.xorbs:
        return Reply({})
    grant = {"id": xorb[:8], "method": "PUT", "url": f"{call.server.endpoint}/xorbs/{xorb}?signed=1", "headers": {}}
    return Reply(grant, 201)


@route("PUT", "/xorbs/(?P<xorb>[0-9a-f]{64})")
def xet_put(call: Handler) -> Reply:
    call.server.store.xet.xorbs[call.arguments["xorb"]] = call.body
    return Reply()


@route("POST", XET + "/v1/xorb-commits/default/[0-9a-f]{64}/grant/[0-9a-f]+")
def xet_commit(call: Handler) -> Reply:
    return Reply({"was_inserted": True})


@route("POST", XET + "/v2/shards")
def xet_shard(call: Handler) -> Reply:
    call.server.store.xet.add_shard(call.body)
    return Reply({"type": "result"})


@route("GET", XET + "/v2/reconstructions/(?P<file_hash>[0-9a-f]{64})")
def xet_reconstruction(call: Handler) -> Reply:
    first, last = re.fullmatch(r"bytes=(\d+)-(\d+)", call.headers.get("Range", "bytes=0-9999999999")).groups()
    address = f"{call.server.endpoint}/xorbs"
    plan = call.server.store.xet.describe(call.arguments["file_hash"], address, int(first), int(last))
    if plan is None:
        raise HubError(416, "The file ends before")
    return Reply(plan)


@route("GET", "/xorbs/(?P<xorb>[0-9a-f]{64})")
def xet_get(call: Handler) -> Reply:
    return Reply(call.server.store.xet.xorbs[call.arguments["xorb"]])
