"""The running app, in this process, so that its memory can be searched: what of a visit is left after its lifetime."""

import base64
import gc
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
import httpx
import pytest
from browsing import run_main, wait_until
from photos import as_png, load_portrait, make_two_faces
from PIL import Image

from fer_models.demo import forgetting, internals
from fer_models.demo.handlers.compare import Shown
from fer_models.demo.tabs import compare
from fer_models.inference import LoadedModel
from fer_models.zoo import get_default_tag

EVERY_S = 0.2
LIFE_S = 2.0


class Visit:
    """A page's talk with the app, as its browser would have it."""

    def __init__(self, demo: gr.Blocks, session: str) -> None:
        self.demo, self.session = demo, session
        self.http = httpx.Client(base_url=f"{demo.local_url}gradio_api", timeout=60)

    def upload(self, name: str = "photo.png", image: Image.Image | None = None) -> dict[str, Any]:
        content = as_png(image or load_portrait()) + name.encode()  # each name has a folder of its own
        (path,) = self.http.post("/upload", files={"files": (name, content)}).json()
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def ask(self, name: str, *data: Any) -> None:
        """Put the event of a function into the queue."""
        index = next(index for index, fn in self.demo.fns.items() if fn.name == name)
        event = {"fn_index": index, "data": data, "session_hash": self.session}
        self.http.post("/queue/join", json=event)

    def wait(self) -> list[Any]:
        """What the page shows when the event is over."""
        with self.http.stream("GET", "/queue/data", params={"session_hash": self.session}) as lines:
            for line in lines.iter_lines():
                message = json.loads(line[6:] or "{}") if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message
                    return message["output"]["data"]
        raise AssertionError("There was no answer.")

    def compare(self, photo: dict[str, Any] | None = None, face: int | None = None) -> None:
        tag, choice = get_default_tag("baseline"), {"path": (photo or self.upload())["path"], "face": face, "id": "1"}
        self.ask("show", choice, None, None, "en", tag, ["baseline"])

    def close(self) -> None:
        """Open the page's heartbeat and cut it."""
        with self.http.stream("GET", f"/heartbeat/{self.session}") as beats:
            next(beats.iter_lines())


@pytest.fixture(scope="module")
def visit(models: list[LoadedModel], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Visit]]:
    """Opens pages of the app, which `app.py` starts, with short lifetimes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        patch.setattr(forgetting, "EVERY_S", EVERY_S)
        patch.setattr(forgetting, "LIFE_S", LIFE_S)
        patch.setattr(compare, "SHOWN_LIFE_S", LIFE_S)
        with run_main(models[:1]) as demo:
            yield lambda session: Visit(demo, session)


def is_in_memory(text: str) -> bool:
    """Whether something that lives in this process holds a longer text that ends so."""
    gc.collect()
    for holder in gc.get_objects():
        values = holder.values() if isinstance(holder, dict) else holder if isinstance(holder, list | tuple) else ()
        if any(isinstance(value, str) and len(value) > len(text) and text in value for value in list(values)):
            return True
    return False


def test_no_picture_outlives_its_answer_whether_the_page_is_closed_open_or_gone(visit: Callable[[str], Visit]) -> None:
    closed, still_open, gone = map(visit, ("closed", "open", "gone"))
    for page in (closed, still_open, gone):
        page.compare()
    sessions, waiting = closed.demo.app.state_holder.session_data, closed.demo._queue.pending_messages_per_session
    assert wait_until(lambda: "gone" in sessions)
    face = closed.wait()[2][-2000:-100]
    assert "data:image" not in face, "the end of it, so that this test's own memory does not count"
    assert any("data:image" in str(part) for part in still_open.wait())
    closed.close()
    kept = sessions["closed"].state_data
    (path,) = {value.photo_path for value in kept.values() if isinstance(value, Shown)}

    def is_crop_left() -> bool:
        gc.collect()
        return any(isinstance(thing, Shown) and thing.photo_path == path for thing in gc.get_objects())

    assert wait_until(lambda: "data:image" not in str(sessions["open"].config_values))
    assert wait_until(lambda: not any(isinstance(value, Shown) for value in list(kept.values())))
    assert wait_until(lambda: not is_crop_left()), "closed pages keep them no longer than open ones"
    assert wait_until(lambda: not is_in_memory(face[:1000]))
    assert wait_until(lambda: "gone" not in waiting), "nobody fetched that answer"
    still_open.compare()
    assert any("data:image" in str(part) for part in still_open.wait()), "the page goes on as before"


def drop_session(page: Visit) -> None:
    """What gradio does when it remembers too many."""
    sessions = page.demo.app.state_holder
    del sessions.session_data[page.session]
    sessions.time_last_used.pop(page.session)


def test_a_page_that_the_server_no_longer_remembers_goes_on(visit: Callable[[str], Visit]) -> None:
    page = visit("forgotten")
    photo = page.upload("two.png", make_two_faces())
    page.compare(photo)
    assert "Face 1 of 2" in page.wait()[1]
    drop_session(page)
    page.compare(photo, face=1)
    assert "Face 2 of 2" in page.wait()[1]
    page.compare(photo)  # the same face, as when the language is changed
    events = page.demo._queue.event_ids_to_events
    assert wait_until(lambda: not any(event.session_hash == "forgotten" for event in list(events.values())))
    drop_session(page)
    time.sleep(3 * EVERY_S)
    assert "Face 2 of 2" in page.wait()[1], "its answer has waited for it"


@pytest.mark.parametrize("as_text", [False, True])  # as agents send them
def test_uploads_are_deleted_but_those_that_are_waited_for(
    as_text: bool, visit: Callable[[str], Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begun, taken = Event(), Event(), []

    def take_long(files: list[tuple[str, Path]], *_: Any) -> Iterator[Any]:
        taken.extend(path for _, path in files)
        begun.set()
        assert go_on.wait(60)
        yield from ()

    monkeypatch.setattr("fer_models.demo.handlers.many.classify_files", take_long)
    pages = [visit(name) for name in ("running", "queued", "idle")]
    running, queued, idle = (page.upload(f"{page.session}.png") for page in pages)
    uri = f"data:image/png;base64,{base64.b64encode(as_png(load_portrait())).decode()}"
    address = f"{pages[1].demo.local_url}gradio_api/file={queued['path']}"
    pages[0].ask("batch", [running["path"], uri] if as_text else [running])
    assert begun.wait(60)
    pages[1].ask("batch", [address] if as_text else [queued])
    assert wait_until(lambda: not Path(idle["path"]).exists())
    time.sleep(LIFE_S)
    assert Path(running["path"]) in taken
    assert all(path.exists() for path in taken), "each may be read at any time"
    assert Path(queued["path"]).exists(), "a long job before it must not cost it its file"
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(pages[1].wait)  # the other page has lost its connection for a moment
        go_on.set()
        time.sleep(3 * EVERY_S)
        assert [pages[0].wait(), answer.result()] == [[[]], [[]]]
    for file in (running, queued):
        assert wait_until(lambda folder=Path(file["path"]).parent: not folder.exists()), "no empty folder stays either"


def send(name: str) -> bytes:
    """A file of an upload, which holds its name, and the beginning of the next file's."""
    return f'Content-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n{name}\r\n--next\r\n'.encode()


def test_a_slow_upload_keeps_its_first_files_but_none_that_is_broken_off_or_stalls(
    visit: Callable[[str], Visit], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit("slow")
    folder = Path(page.demo.app.uploaded_file_dir)

    def is_there(name: str) -> bool:
        for path in folder.iterdir():
            with suppress(OSError):  # it is a folder, or has gone meanwhile
                if path.read_bytes() == name.encode():
                    return True
        return False

    def upload(parts: Iterator[bytes]) -> Any:
        kind = {"content-type": "multipart/form-data; boundary=next"}
        return page.http.post("/upload", content=parts, headers=kind).json()

    def break_off() -> Iterator[bytes]:
        yield b"--next\r\n" + send("broken off")
        assert wait_until(lambda: is_there("broken off"))
        raise InterruptedError

    def send_slowly() -> Iterator[bytes]:
        yield b"--next\r\n" + send("first")
        assert wait_until(lambda: is_there("first"))
        with pytest.raises(InterruptedError):
            upload(break_off())
        assert wait_until(lambda: not is_there("broken off"))
        yield send("last").replace(b"next\r\n", b"next--\r\n")

    paths = [Path(path) for path in upload(send_slowly())]
    assert [path.read_text() for path in paths] == ["first", "last"]

    def stall() -> Iterator[bytes]:
        yield b"--next\r\n" + send("stalled")
        assert wait_until(lambda: is_there("stalled"))
        monkeypatch.setattr(internals, "STALLED_S", 0)
        assert wait_until(lambda: not is_there("stalled"))
        raise InterruptedError

    with pytest.raises(InterruptedError):
        upload(stall())
