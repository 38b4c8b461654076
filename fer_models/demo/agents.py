"""What agents are told by the page's MCP server."""

import json
from typing import Any

import gradio as gr

from .internals import convert_tool_answers


def answer_in_json(demo: gr.Blocks) -> None:
    """Have the MCP server of a running page write answers as JSON; by itself it writes them as Python does."""
    convert_tool_answers(demo, _to_json)


def _to_json(output: Any) -> Any:
    return json.dumps(output, ensure_ascii=False) if isinstance(output, (dict, list)) else output
