import os
import subprocess
import sys
import time
from pathlib import Path

from conftest import REPO_ROOT

from fer_models.demo.uploads import FOLDER_VARIABLE, delete_old


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
