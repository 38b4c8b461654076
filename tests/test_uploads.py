"""Whatever the app did not make stays as it is, and no visitor's file stays."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import launch, wait_until
from conftest import REPO_ROOT

from fer_models.demo import forgetting, internals, uploads
from fer_models.demo.forgetting import delete_once
from fer_models.demo.uploads import FOLDER_VARIABLE, MARKER, PREFIX, OwnFolder, delete_orphans, make_folder

# The app with one model, and the clock of `forgetting` at a hundredth. Under `nohup` it would miss a closed terminal.
APP = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)
import app
from fer_models.demo import forgetting
forgetting.EVERY_S, forgetting.LIFE_S = 0.2, 2.0
app.load_all_models = lambda: (app.load_models(["baseline"]), [])
app.main()
"""


# --- strangers ---


def put_strangers(folder: Path, away: Path) -> None:
    """Put into a folder what is not ours, as much like ours as it can be; `away` is what its symlinks lead to."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "thesis.doc").write_text("years")
    (folder / "letters" / "old").mkdir(parents=True)
    (folder / "letters" / "old" / "letter.txt").write_text("dear")
    (folder / "empty").mkdir()
    clone = folder / f"{PREFIX}main"  # what GitHub calls a clone of this project
    (clone / "docs").mkdir(parents=True)
    (clone / "app.py").write_text("mine")
    (clone / "link").symlink_to(away)
    (folder / f"{PREFIX}file").write_text("a file")
    (folder / f"{PREFIX}link").symlink_to(away)
    (folder / f"{PREFIX}nowhere").symlink_to(folder / "nowhere")
    (folder / "link").symlink_to(away / "thesis.doc")
    markers: dict[str, Callable[[Path], Any]] = {
        "link": lambda marker: marker.symlink_to(away / "marker"),
        "folder": lambda marker: marker.mkdir(),
        "pipe": os.mkfifo,
        "empty": lambda marker: marker.touch(),
        "strange": lambda marker: marker.write_bytes(b"\xff" * 10_000),
    }
    for name, make in markers.items():
        (other := folder / f"{PREFIX}{name}-marker").mkdir()
        (other / "thesis.doc").write_text("years")
        make(other / MARKER)
    with kill_owner(folder) as left:  # a copy of a folder of ours, a renamed one, and a symlink to one
        shutil.copytree(left, folder / f"{PREFIX}copy")
        shutil.copytree(left, away / f"{PREFIX}away")
        os.rename(left, folder / f"{PREFIX}renamed")
    with kill_owner(folder) as left:  # one that was moved away, with a symlink in its place
        os.rename(left, away / left.name)
        left.symlink_to(away / left.name)


@contextmanager
def kill_owner(parent: Path) -> Iterator[Path]:
    """A folder of ours with a photo, whose process was killed."""
    process, path = start_owner(parent)
    process.kill()
    process.communicate()
    yield path


def start_owner(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    code = (
        "import time; from pathlib import Path; import uploads\n"
        f"path = uploads.OwnFolder(Path({str(parent)!r})).path\n"
        "(path / 'hash').mkdir(); (path / 'hash' / 'photo').touch()\n"
        "print(path, flush=True); time.sleep(300)"
    )
    demo = REPO_ROOT / "fer_models" / "demo"  # without the package, whose libraries take seconds to load
    process = subprocess.Popen([sys.executable, "-c", code], cwd=demo, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def look(*folders: Path) -> dict[str, Any]:
    """All that lies in folders, with contents and what symlinks say."""
    return {
        str(path): os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else "no file"
        for folder in folders
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def near(tmp_path: Path) -> Iterator[tuple[Path, Path, Path]]:
    """The folder that `GRADIO_TEMP_DIR` names, that of temporary files, and one elsewhere: full of strangers' things.

    They are as they were in the end.
    """
    chosen, temporary, away = (tmp_path / name for name in ("chosen", "temporary", "away"))
    for folder in (chosen, temporary):
        (letters := away / folder.name / "letters").mkdir(parents=True)
        for path in (letters / "letter.txt", letters.parent / "thesis.doc", letters.parent / "marker"):
            path.write_text("years")
        put_strangers(folder, letters.parent)
    before = look(tmp_path)
    yield chosen, temporary, away / "chosen"
    assert look(tmp_path) == before


# --- the whole cycle ---


def upload(url: str, name: str = "photo.jpg") -> Path:
    answer = httpx.post(f"{url}/gradio_api/upload", files={"files": (name, b"a face of " + name.encode())}, timeout=60)
    return Path(answer.json()[0])


@pytest.mark.slow
def test_the_app_leaves_all_but_its_own_as_it_is_and_nothing_of_a_visitor(near: tuple[Path, Path, Path]) -> None:
    chosen, temporary, away = near
    folders = {FOLDER_VARIABLE: str(chosen), "TMPDIR": str(temporary)}
    with kill_owner(temporary) as orphan, launch(["-c", APP], **folders) as (process, url):
        photo = upload(url)
        own = photo.parent.parent
        assert own.parent == chosen
        assert photo.is_file()
        (own / "link").symlink_to(away / "thesis.doc")
        (own / "folder").symlink_to(away)
        (own / "nowhere").symlink_to(away / "nowhere")
        assert wait_until(lambda: [path.name for path in own.iterdir()] == [MARKER]), "old files go, links too"
        moved = upload(url, "moved.jpg").parent
        shutil.rmtree(moved)
        moved.symlink_to(away)  # in the place of a folder of an upload
        assert wait_until(lambda: not moved.is_symlink())
        assert not orphan.exists()
        assert upload(url, "young.jpg").is_file()
        process.send_signal(signal.SIGHUP)  # its terminal is closed
        process.wait(60)
    assert not own.exists()


# --- one folder ---


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[OwnFolder]:
    folder = OwnFolder(tmp_path / "parent")
    yield folder
    folder.remove()


def test_everything_old_is_deleted_but_what_is_in_use(folder: OwnFolder) -> None:
    folder.delete_old(0)
    photo, other = folder.path / "hash" / "photo.jpg", folder.path / "other" / "photo.jpg"
    for path in (photo, other):
        path.parent.mkdir()
        path.write_bytes(b"a face")
    folder.delete_old(300)
    assert photo.exists()
    os.utime(photo, (0, 0))
    folder.delete_old(0, {photo, Path("/elsewhere/photo.jpg")})
    assert time.time() - photo.stat().st_mtime < 60, "it is as young as a new one"
    assert {path.name for path in folder.path.iterdir()} == {MARKER, "hash"}, "empty folders go too"
    folder.delete_old(0)
    assert [path.name for path in folder.path.iterdir()] == [MARKER]


def test_a_clock_that_is_set_back_keeps_no_file_and_the_marker_never_grows_old(
    folder: OwnFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems delete what is old in the folder of temporary files."""
    (folder.path / "photo.jpg").touch()
    os.utime(folder.path / MARKER, (0, 0))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    folder.delete_old(300)
    assert [path.name for path in folder.path.iterdir()] == [MARKER]
    assert now - (folder.path / MARKER).stat().st_mtime < 60


def test_a_step_that_fails_costs_no_other(folder: OwnFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """One name that a new version of gradio lacked left photos on the disk for good."""

    def fail(*_: Any) -> Any:
        raise RuntimeError("anything")

    monkeypatch.setattr(forgetting, "LIFE_S", 0)
    with kill_owner(folder.path.parent) as left:
        (folder.path / "photo.jpg").touch()
        delete_once(folder, partial(internals.find_files_in_use, object(), list))  # a page without all private names
        assert [path.name for path in folder.path.iterdir()] == [MARKER]
        assert not left.exists()
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "_delete_old", fail)
        patch.setattr(forgetting, "delete_orphans", fail)
        shutil.rmtree(folder.path)
        delete_once(folder, tuple)
        assert folder.path.is_dir(), "it is there again"
    (folder.path / "photo.jpg").touch()
    folder.keep()
    assert (folder.path / "photo.jpg").exists()
    folder.delete_old(0)
    assert [path.name for path in folder.path.iterdir()] == [MARKER], "in the new folder, too"


def test_what_fails_to_forget_tries_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(forgetting, "EVERY_S", 0)

    async def run() -> None:
        async with forgetting.forget_regularly(object()):
            while len(caplog.records) < 2:
                await asyncio.sleep(0)

    asyncio.run(run())


@pytest.mark.parametrize("is_parent", [False, True], ids=["folder", "parent"])
@pytest.mark.parametrize("what", ["link", "folder"])
def test_what_is_put_in_the_place_of_a_folder_stays_as_it_is(what: str, is_parent: bool, tmp_path: Path) -> None:
    folder = OwnFolder(tmp_path / "parent")
    (folder.path / "photo.jpg").touch()
    place = folder.path.parent if is_parent else folder.path
    os.rename(place, tmp_path / "moved")
    put = tmp_path / "strange"
    shutil.copytree(tmp_path / "moved", put)  # with the marker
    (put / "thesis.doc").write_text("years")
    if what == "link":
        place.symlink_to(put)
    else:
        os.rename(put, place)
        put = place
    before = look(put)
    folder.delete_old(0)
    with pytest.raises(OSError, match="something else in the place"):
        folder.keep()
    folder.remove()
    delete_orphans(folder.path.parent)
    delete_orphans(tmp_path)
    assert look(put) == before
    moved = tmp_path / "moved" / folder.path.name if is_parent else tmp_path / "moved"
    assert not (moved / "photo.jpg").exists(), "but ours is empty, wherever it is now"


def test_an_empty_folder_in_the_place_of_ours_stays(tmp_path: Path) -> None:
    folder = OwnFolder(tmp_path / "parent")
    os.rename(folder.path, tmp_path / "moved")
    folder.path.mkdir()
    folder.remove()
    assert folder.path.is_dir()


def test_a_removed_folder_is_never_touched_again(tmp_path: Path) -> None:
    """Its handles were closed, and their numbers may be those of other folders."""
    folder = OwnFolder(tmp_path / "parent")
    folder.remove()
    (tmp_path / "thesis.doc").write_text("years")
    handles = [os.open(tmp_path, os.O_RDONLY) for _ in range(20)]
    folder.delete_old(0)
    folder.remove()
    folder.keep()
    for handle in handles:
        os.close(handle)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parent", "thesis.doc"]
    assert list((tmp_path / "parent").iterdir()) == []


def test_a_file_that_comes_while_the_folder_is_removed_is_left_to_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = OwnFolder(tmp_path)
    delete = uploads._delete_old

    def delete_late(*arguments: Any) -> None:
        delete(*arguments)
        (folder.path / "late.jpg").touch()

    monkeypatch.setattr(uploads, "_delete_old", delete_late)
    folder.remove()
    assert (folder.path / "late.jpg").exists()
    monkeypatch.undo()
    delete_orphans(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_refused_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match=f"without locks .* Choose another folder with {FOLDER_VARIABLE}"):
        OwnFolder(tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- folders of killed processes ---


def test_only_folders_of_killed_processes_are_deleted(near: tuple[Path, Path, Path]) -> None:
    chosen = near[0]
    delete_orphans(chosen / "no such folder")
    process, used = start_owner(chosen)
    try:
        with kill_owner(chosen) as left:
            (left / "link").symlink_to(near[2])
            own = OwnFolder(chosen)
            delete_orphans(chosen)
            assert not left.exists()
            assert own.path.exists()
            assert (used / "hash" / "photo").exists()
            own.remove()
    finally:
        process.kill()
        process.communicate()
    delete_orphans(chosen)
    assert not used.exists()


@pytest.mark.parametrize("chosen", [True, False])
def test_a_temporary_folder_lies_beside_the_uploads_and_is_gone_afterwards(
    chosen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if chosen:
        monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "uploads"))
    else:
        monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with suppress(KeyError), make_folder() as folder:
        assert folder.parent == tmp_path
        (folder / "video.mp4").touch()
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "chosen", "not/there/yet"])
def test_the_folder_of_uploads_is_a_new_one_and_goes_with_the_process(name: str, tmp_path: Path) -> None:
    code = (
        "import os; from uploads import use_own_folder; path = use_own_folder().path;"
        f"assert os.environ['{FOLDER_VARIABLE}'] == str(path); open(path / 'photo', 'w').close(); print(path)"
    )
    environment = os.environ | {
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": str(REPO_ROOT / "fer_models/demo"),
        FOLDER_VARIABLE: name,
    }
    output = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert output.returncode == 0, output.stderr
    path = Path(output.stdout.strip())
    assert path.parent == tmp_path / name
    assert path.name.startswith(PREFIX)
    assert not path.exists()
