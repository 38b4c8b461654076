import os
import subprocess
import sys

from conftest import REPO_ROOT

# What only the app or the training needs; the models must not make a user wait for it, or have it.
OPTIONAL_PACKAGES = ("gradio", "datasets", "evaluate", "matplotlib", "cv2", "av")


def test_all_names_are_there_without_an_optional_package() -> None:
    code = f"import sys; from fer_models import *; print([name for name in {OPTIONAL_PACKAGES} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPO_ROOT,
        env=os.environ | {"PYTHONPATH": str(REPO_ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "[]\n"
