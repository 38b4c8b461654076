"""What agents are told by the page's MCP server, and how they hand files over."""

import json
from typing import Any

import gradio as gr

from .fetching import find_upload, is_inline, to_file
from .internals import convert_tool_answers, convert_tool_files, describe_tools

# In the place of gradio's sentence, which names a tool that is not there.
HOW_TO_SEND = (
    " A file is sent as a data URI, such as data:image/jpeg;base64,..., or uploaded first: `curl -F files=@photo.jpg "
    "ADDRESS/gradio_api/upload`, where ADDRESS/gradio_api/mcp/ is that of this server, prints a JSON list with the "
    "path of the upload, and that path is sent"
)


def speak_to_agents(demo: gr.Blocks) -> None:
    """Have the MCP server of a running page say how files are sent, take uploaded ones, and answer in JSON.

    By itself it points to a tool that is not there, refuses the path of an upload, and writes answers as Python does.
    """
    describe_tools(demo, HOW_TO_SEND, _drop_formats)
    convert_tool_files(demo, _to_file)
    convert_tool_answers(demo, _to_json)


def _to_json(output: Any) -> Any:
    return json.dumps(output, ensure_ascii=False) if isinstance(output, (dict, list)) else output


def _drop_formats(schema: Any) -> Any:
    """A schema without gradio's own formats, which say of a file that it is a http or https URL."""
    if isinstance(schema, dict):
        return {key: _drop_formats(value) for key, value in schema.items() if key != "format"}
    return [_drop_formats(one) for one in schema] if isinstance(schema, list) else schema


def _to_file(address: Any) -> Any:
    """An uploaded file or a data URI, or each one of a list, as gradio describes one; the rest as it is.

    Raises:
        ValueError: It is the path of no upload, or a damaged data URI.
    """
    if isinstance(address, list):
        return [_to_file(one) for one in address]
    if not isinstance(address, str):
        return address
    if is_inline(address):
        return to_file(address)
    if path := find_upload(address):
        return {"path": path, "meta": {"_type": "gradio.FileData"}}
    if "://" in address:  # refused with a reason of its own
        return address
    raise ValueError(f"There is no upload {address!r}.{HOW_TO_SEND}.")
