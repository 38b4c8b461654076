"""The loopback Hub's HTTP: connections, routes, tokens, and what goes wrong on order."""

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

from hub_store import HubError, Repo, Store

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
        cut_upload_after: Close the connection after so many bytes of what is sent, without an answer.
        delay_s: Seconds to wait before the answer.
        times: How often; the requests after that go well.
    """

    path: str
    method: str = ""
    status: int | None = None
    message: str = "on order"
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    cut_upload_after: int | None = None
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
        self.lock = threading.RLock()
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
        with self.lock:
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
    disable_nagle_algorithm = True  # else each body waits 40 ms, until the client has acknowledged its headers
    server: HubServer

    def answer(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        self.query = urllib.parse.parse_qs(url.query)
        size = int(self.headers.get("Content-Length") or 0)
        fault = self.server.take_fault(self.command, url.path)
        if fault and fault.cut_upload_after is not None:
            self.rfile.read(min(size, fault.cut_upload_after))
            self.close_connection = True
            return
        self.body = self.rfile.read(size)
        if fault:
            sleep(fault.delay_s)
        try:
            if fault and fault.status:
                raise HubError(fault.status, fault.message, headers=fault.headers)
            with self.server.lock:
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
        if asked and reply.status == 200 and not is_json:
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
