import json
import os
import subprocess
import sys

import pytest
from conftest import REPO_ROOT

import fer_models

# What only the app or the training needs; the models must not make a user wait for it, or have it.
OPTIONAL_PACKAGES = ("gradio", "datasets", "evaluate", "matplotlib", "cv2", "av")


@pytest.mark.parametrize("name", fer_models.__all__)
def test_public_name_is_there(name: str) -> None:
    assert hasattr(fer_models, name)


def test_import_needs_no_optional_package() -> None:
    code = f"import sys, json, fer_models; print(json.dumps([p for p in {OPTIONAL_PACKAGES} if p in sys.modules]))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPO_ROOT,
        env=os.environ | {"PYTHONPATH": str(REPO_ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == []
