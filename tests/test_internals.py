"""Of gradio the page uses more than gradio documents: each name is there, in the version that is asked for."""

import ast
import tomllib
from typing import Any

import gradio as gr
from conftest import REPO_ROOT
from packaging.requirements import Requirement
from packaging.version import Version

from fer_models.demo import internals
from fer_models.demo.fetching import find_files
from fer_models.demo.internals import TRIED_WITH, find_files_in_use

SOURCES = [REPO_ROOT / "app.py", *sorted((REPO_ROOT / "fer_models" / "demo").rglob("*.py"))]
OTHERS = [path for path in SOURCES if path.name != "internals.py" and path.parent.name != "snippets"]


def list_requirements() -> list[Requirement]:
    project = tomllib.loads((REPO_ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["optional-dependencies"]["app"], *(REPO_ROOT / "requirements.txt").read_text().splitlines()]
    return [Requirement(line) for line in lines if line.startswith("gradio[")]


def test_gradio_is_the_version_that_was_tried() -> None:
    minor = ".".join(TRIED_WITH.split(".")[:2])
    assert [str(one.specifier) for one in list_requirements()] == [f"~={minor}.0"] * 2
    assert Version(gr.__version__).release[:2] == Version(TRIED_WITH).release[:2]
    assert f"gradio=={TRIED_WITH}\n" in (REPO_ROOT / "constraints.txt").read_text()


NAMES = [
    "app.state_holder.session_data",
    "app.state_holder.time_last_used",
    "app.uploaded_file_dir",
    "fns",
    "mcp_server_obj._file_data_tool_description",
    "mcp_server_obj.convert_strings_to_filedata",
    "mcp_server_obj.get_fn_description",
    "mcp_server_obj.get_input_schema",
    "mcp_server_obj.postprocess_output_data",
    "space_id",
    "temp_file_sets",
    "_queue.event_ids_to_events",
    "_queue.event_queue_per_concurrency_id",
    "_queue.pending_messages_per_session",
    "_queue.push",
]


def test_a_running_page_has_the_names_and_its_uploads_go_into_our_folder(running: gr.Blocks) -> None:
    import app

    for name in NAMES:
        thing: Any = running
        for part in name.split("."):
            assert hasattr(thing, part), f"gradio {gr.__version__} lacks {name}; see fer_models/demo/internals.py"
            thing = getattr(thing, part)
    session = running.app.state_holder["somebody"]
    assert isinstance(session.config_values, dict)
    assert session.is_closed is False
    assert "somebody" in running.app.state_holder.time_last_used
    assert [running.app.uploaded_file_dir, internals.get_upload_folder()] == [str(app.UPLOADS.path)] * 2
    assert find_files_in_use(running, find_files) == set()


def test_no_other_file_takes_what_gradio_does_not_document() -> None:
    """Only `gradio` itself, of which everything is documented, and no private attribute of any object but `self`."""
    for path in OTHERS:
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [f"{node.module}.*"] if isinstance(node, ast.ImportFrom) else []
            taken = [name for name in modules if name.startswith("gradio") and name != "gradio"]
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
                taken += [] if ast.unparse(node.value) in ("self", "cls") else [node.attr]
            assert not taken, f"{path}, line {node.lineno}: {taken}"
