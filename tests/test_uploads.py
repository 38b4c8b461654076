import os
import subprocess
import sys
from pathlib import Path

import gradio as gr
import pytest
from conftest import REPO_ROOT
from gradio.route_utils import delete_files_created_by_app

from fer_models.demo.uploads import FOLDER_VARIABLE, AllUploads


def test_files_that_gradio_forgets_are_deleted_when_they_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "uploads"))
    with gr.Blocks() as demo:
        demo.temp_file_sets.append(AllUploads())
    delete_files_created_by_app(demo, age=0)  # there is no such folder yet
    photo = tmp_path / "uploads" / "hash" / "photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"a face")
    delete_files_created_by_app(demo, age=300)
    assert photo.exists()
    delete_files_created_by_app(demo, age=0)
    assert not photo.exists()


def test_without_a_folder_of_our_own_nothing_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert list(AllUploads()) == []


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
