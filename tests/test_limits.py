"""What the server refuses before it works on it."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from photos import portrait_path
from starlette.middleware import Middleware

from fer_models.demo.internals import leave_room
from fer_models.demo.limits import BodyLimit, find_address
from fer_models.demo.ui import MAX_FILE_MB
from fer_models.demo.uploads import MARKER, OwnFolder

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("path", "has_length", "status", "words"),
    [
        ("call/upload", True, 413, f"more than {MAX_FILE_MB} MB"),  # the name of a function, if there is one
        ("queue/join", False, 413, f"more than {MAX_FILE_MB} MB"),
        ("component_server/", False, 400, ""),  # gradio's own words for all that it cannot read
        ("mcp/", True, 413, "too large"),  # has a limit of its own
    ],
)
def test_a_call_that_is_too_large_is_refused(
    app_url: str, path: str, has_length: bool, status: int, words: str
) -> None:
    def send() -> Any:
        yield b'"'
        for _ in range(MAX_FILE_MB):
            yield b"a" * 1024**2
        yield b'"'

    length = {"content-length": str(MAX_FILE_MB * 1024**2 + 2)} if has_length else {}
    answer = httpx.post(f"{app_url}/gradio_api/{path}", content=send(), headers=JSON | length, timeout=60)
    assert answer.status_code == status
    assert words in answer.text


def test_no_program_passes_by_the_queue(running: Any) -> None:
    for name in ("compare", "explain", "batch"):
        call = {"data": [], "session_hash": "a"}
        assert httpx.post(f"{running.local_url}gradio_api/run/{name}", json=call).status_code == 404


def test_long_jobs_leave_room_in_the_queue() -> None:
    with gr.Blocks() as page:
        gr.Button().click(lambda: None, api_name="short")
        gr.Button().click(lambda: None, api_name="long", concurrency_id="long")
    leave_room(page.queue(max_size=9), "long", 3, 2, find_address)

    def push(number: int, address: str) -> str:
        function = list(page.fns)[number]
        body = SimpleNamespace(fn_index=function, session_hash=None, event_data=None, batched=False)
        request = SimpleNamespace(headers={}, client=SimpleNamespace(host=address))
        return str(asyncio.run(page._queue.push(body, request, None))[2])  # type: ignore[arg-type]

    answers = [push(1, address) for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2")]
    assert answers == ["success", "success", "queue_full", "success", "queue_full"]
    assert [push(0, "192.0.2.1") for _ in range(7)] == ["success"] * 6 + ["queue_full"]


def test_of_ipv6_a_network_is_one_address() -> None:
    """But not of IPv4 as a server that listens to both sees it, where all the world is one network."""
    for host, address in (
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("testclient", "testclient"),
    ):
        assert find_address(SimpleNamespace(headers={}, client=SimpleNamespace(host=host))) == address


def test_a_flood_of_long_jobs_leaves_room_to_a_comparison(app_url: str) -> None:
    files = {"files": ("a.jpg", portrait_path().read_bytes())}
    path = httpx.post(f"{app_url}/gradio_api/upload", files=files, timeout=60).json()[0]
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}

    def call(name: str, data: Any) -> int:
        return httpx.post(f"{app_url}/gradio_api/call/{name}", json={"data": data}, timeout=120).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = Counter(pool.map(lambda _: call("batch", [[file]]), range(20)))
    assert answers.keys() == {200, 503}
    assert answers[200] < 15, "64 may wait in all"
    assert call("compare", [file, 0, False, [], ""]) == 200


@pytest.mark.parametrize(
    ("path", "most"), [("call/a", 10), ("upload", 20), ("fer/gradio_api/upload", 20), ("call/upload", 10)]
)
def test_files_and_calls_have_limits_of_their_own(folder: OwnFolder, path: str, most: int) -> None:
    path = path if path.startswith("fer") else f"gradio_api/{path}"
    for size, status in ((most, 200), (most + 1, 413)):
        assert serve_limited(folder).post(f"/{path}", content=bytes(size)).status_code == status


def test_uploads_leave_room_on_the_disk(folder: OwnFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(total=10**12, used=10**12 - 99, free=99)
    monkeypatch.setattr(shutil, "disk_usage", {folder.path: usage}.__getitem__)
    for path, min_free_bytes, status in (("call/a", 100, 200), ("upload", 99, 200), ("upload", 100, 507)):
        answer = serve_limited(folder, min_free_bytes).post(f"/gradio_api/{path}", content=b"a")
        assert (answer.status_code, "disk is full" in answer.text) == (status, status == 507)


def test_no_file_goes_to_a_folder_that_is_not_ours(folder: OwnFolder) -> None:
    """Of a folder that was deleted gradio made another one, in which photos stayed for good."""
    for path in ("call/a", "upload"):
        shutil.rmtree(folder.path)
        assert serve_limited(folder).post(f"/gradio_api/{path}", content=b"a").status_code == 200
        assert (folder.path / MARKER).is_file()
    shutil.rmtree(folder.path)
    folder.path.mkdir()
    for path in ("call/a", "upload"):
        assert serve_limited(folder).post(f"/gradio_api/{path}", content=b"a").status_code == 507


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[OwnFolder]:
    folder = OwnFolder(tmp_path)
    yield folder
    folder.remove()


def serve_limited(folder: OwnFolder, min_free_bytes: int = 1) -> TestClient:
    limits = {"max_bytes": 10, "max_upload_bytes": 20, "folder": folder, "min_free_bytes": min_free_bytes}
    app = FastAPI(middleware=[Middleware(BodyLimit, **limits)])

    @app.post("/{path:path}")
    async def read(request: Request) -> int:
        return len(await request.body())

    return TestClient(app)


def test_many_files_may_weigh_more_than_a_call(app_url: str) -> None:
    half = bytes((MAX_FILE_MB // 2 + 1) * 1024**2)
    files = [("files", (name, half)) for name in ("a.zip", "b.zip")]
    answer = httpx.post(f"{app_url}/gradio_api/upload", files=files, timeout=120)
    assert answer.status_code == 200
    for path in answer.json():
        Path(path).unlink()
