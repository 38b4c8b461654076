"""What agents are told by the page's MCP server, and how they hand files over."""

import json
from typing import Any

from .fetching import find_upload, is_inline

# In the place of gradio's sentence, which names a tool that is not there.
HOW_TO_SEND = (
    " A file is sent as a data URI, such as data:image/jpeg;base64,..., or uploaded first: `curl -F files=@photo.jpg "
    "ADDRESS/gradio_api/upload`, where ADDRESS/gradio_api/mcp/ is that of this server, prints a JSON list with the "
    "path of the upload, and that path is sent"
)


def speak_to_agents(server: Any) -> None:
    """Have a running MCP server of gradio's say how files are sent, take uploaded ones, and answer in JSON.

    By itself it points to a tool that is not there, refuses the path of an upload, and writes answers as Python does.

    Args:
        server: The page's `mcp_server_obj`.
    """
    describe, convert = server.get_fn_description, server.convert_strings_to_filedata
    describe_input, write = server.get_input_schema, server.postprocess_output_data

    def describe_function(block_fn: Any, tool_name: str) -> tuple[str, dict[str, str]]:
        description, parameters = describe(block_fn, tool_name)
        return description.replace(server._file_data_tool_description, HOW_TO_SEND), parameters

    def describe_arguments(*arguments: Any) -> tuple[Any, list[list[str | int]]]:
        schema, positions = describe_input(*arguments)
        return _drop_formats(schema), positions

    def take_files(value: dict[str, Any], positions: list[list[str | int]]) -> Any:
        names = {position[0] for position in positions}
        return convert({name: _to_file(one) if name in names else one for name, one in value.items()}, positions)

    def write_json(outputs: list[Any], root_url: str) -> list[Any]:
        texts = [json.dumps(one, ensure_ascii=False) if isinstance(one, (dict, list)) else one for one in outputs]
        written: list[Any] = write(texts, root_url)
        return written

    server.get_fn_description = describe_function
    server.get_input_schema = describe_arguments
    server.convert_strings_to_filedata = take_files
    server.postprocess_output_data = write_json


def _drop_formats(schema: Any) -> Any:
    """A schema without gradio's own formats, which say of a file that it is a http or https URL."""
    if isinstance(schema, dict):
        return {key: _drop_formats(value) for key, value in schema.items() if key != "format"}
    return [_drop_formats(one) for one in schema] if isinstance(schema, list) else schema


def _to_file(address: Any) -> Any:
    """An uploaded file, or each one of a list, as gradio describes one; the rest as it is.

    Raises:
        ValueError: It is the path of no upload.
    """
    if isinstance(address, list):
        return [_to_file(one) for one in address]
    if not isinstance(address, str) or is_inline(address):
        return address
    if path := find_upload(address):
        return {"path": path, "meta": {"_type": "gradio.FileData"}}
    if "://" in address:
        return address
    raise ValueError(f"There is no upload {address!r}.{HOW_TO_SEND}.")
