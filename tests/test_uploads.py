import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import REPO_ROOT

from fer_models.demo.uploads import FOLDER_VARIABLE, delete_old, delete_orphans, make_folder


def test_everything_old_is_deleted_but_what_is_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    delete_old(folder, 0)  # there is no such folder yet
    photo, other = folder / "hash" / "photo.jpg", folder / "other" / "photo.jpg"
    for path in (photo, other):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"a face")
    delete_old(folder, 300)
    assert photo.exists()
    os.utime(photo, (0, 0))
    delete_old(folder, 0, {photo})
    assert time.time() - photo.stat().st_mtime < 60, "it is as young as a new one"
    assert list(folder.iterdir()) == [photo.parent], "empty folders go too"
    delete_old(folder, 0)
    assert list(folder.iterdir()) == []


def test_the_folder_goes_with_the_process() -> None:
    code = (
        "import os; from fer_models.demo.uploads import use_own_folder; use_own_folder();"
        f"folder = os.environ['{FOLDER_VARIABLE}']; open(folder + '/photo', 'w').close(); print(folder)"
    )
    environment = {key: value for key, value in os.environ.items() if key != FOLDER_VARIABLE}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO_ROOT, env=environment, capture_output=True, text=True, timeout=240
    )
    assert result.returncode == 0, result.stderr
    assert not Path(result.stdout.strip()).exists()
    assert "fer-models-" in result.stdout


@pytest.fixture
def leave_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[Path, Any]]]:
    """Starts a process that makes a folder with a photo, in a folder of temporary files that this test sees alone."""
    pytest.importorskip("fcntl", reason="Windows has no such locks")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = (
        "import time; from fer_models.demo.uploads import make_folder;\n"
        "with make_folder() as folder: (folder / 'photo').touch(); print(folder, flush=True); time.sleep(300)"
    )
    processes = []

    def start() -> tuple[Path, Any]:
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=REPO_ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        return Path(process.stdout.readline().strip()), process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_folders_of_killed_processes_are_deleted_when_they_are_old(
    leave_folder: Callable[[], tuple[Path, Any]], tmp_path: Path
) -> None:
    delete_orphans(0)  # there is none
    (tmp_path / "fer-models-file").touch()
    (tmp_path / "others").mkdir()
    (left, killed), (used, _) = leave_folder(), leave_folder()
    killed.kill()
    killed.wait()
    delete_orphans(300)
    assert (left / "photo").exists()
    with make_folder() as own:
        delete_orphans(0)
        assert own.exists()
    assert sorted(tmp_path.iterdir()) == sorted([used, tmp_path / "fer-models-file", tmp_path / "others"])
    assert (used / "photo").exists()
