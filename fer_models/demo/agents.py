"""What agents are told by the page's MCP server."""

import json
from typing import Any

import gradio as gr

from .fetching import HOW_TO_SEND
from .internals import mend_tools


def speak_to_agents(demo: gr.Blocks) -> None:
    """Have the MCP server of a running page say how files are sent, take uploaded ones, and answer in JSON.

    By itself it points to a tool that is not there, refuses the path of an upload, and writes answers as Python does.
    """
    mend_tools(demo, HOW_TO_SEND, _drop_formats, _to_json)


def _to_json(output: Any) -> Any:
    return json.dumps(output, ensure_ascii=False) if isinstance(output, (dict, list)) else output


def _drop_formats(schema: Any) -> Any:
    """A schema without gradio's own formats, which say of a file that it is a http or https URL."""
    if isinstance(schema, dict):
        return {key: _drop_formats(value) for key, value in schema.items() if key != "format"}
    return [_drop_formats(one) for one in schema] if isinstance(schema, list) else schema
