"""What agents are told by the page's MCP server."""

import json
from typing import Any


def answer_in_json(server: Any) -> None:
    """Have a running MCP server of gradio's write answers as JSON; by itself it writes them as Python does.

    Args:
        server: The page's `mcp_server_obj`.
    """
    write = server.postprocess_output_data

    def write_json(outputs: list[Any], root_url: str) -> list[Any]:
        texts = [json.dumps(one, ensure_ascii=False) if isinstance(one, (dict, list)) else one for one in outputs]
        written: list[Any] = write(texts, root_url)
        return written

    server.postprocess_output_data = write_json
