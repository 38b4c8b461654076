import importlib
import sys
from unittest.mock import patch

import pytest
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageClassification

# What only the app or the training needs; the models must not make a user wait for it, or have it.
OPTIONAL_PACKAGES = ("gradio", "datasets", "evaluate", "matplotlib", "cv2", "av")


def test_all_names_are_there_without_an_optional_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for auto_class in (AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageClassification):
        monkeypatch.setattr(auto_class, "register", lambda *_, **__: None)  # the classes are there already
    others = {name: module for name, module in sys.modules.items() if name.partition(".")[0] != "fer_models"}
    with patch.dict(sys.modules, others | dict.fromkeys(OPTIONAL_PACKAGES), clear=True):
        package = importlib.import_module("fer_models")
    assert all(hasattr(package, name) for name in package.__all__)
