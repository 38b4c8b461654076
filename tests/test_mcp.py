"""What an agent sees of the page: the tools of its MCP server, over loopback."""

import asyncio
import base64
import json
import re
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from browsing import REPOSITORY
from photos import portrait_as_png

from fer_models.demo.fetching import HOW_TO_SEND, REFUSAL
from fer_models.demo.handlers.code import read_snippet


def find_server(app_url: str) -> str:
    """The address that the page tells an agent's client."""
    (server,) = json.loads(read_snippet("mcp.json", app_url))["mcpServers"].values()
    return server["url"]


def talk(app_url: str, conversation: Callable[[Any], Awaitable[Any]]) -> Any:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def run() -> Any:
        async with (
            streamablehttp_client(find_server(app_url), timeout=120) as (reader, writer, _),
            ClientSession(reader, writer) as session,
        ):
            await session.initialize()
            return await conversation(session)

    return asyncio.run(run())


PHOTO = "data:image/png;base64," + base64.b64encode(portrait_as_png()).decode()


def test_the_tools_are_the_three_that_are_meant_and_say_what_they_do(app_url: str) -> None:
    tools = {tool.name: tool for tool in talk(app_url, lambda session: session.list_tools()).tools}
    assert set(tools) == {"compare", "explain", "batch"}
    for name, required in (("compare", "photo"), ("explain", "photo"), ("batch", "files")):
        assert "not" in tools[name].description
        assert ",," not in tools[name].description, "gradio puts a comma after each line of what is returned"
        assert "upload_file_to_gradio" not in tools[name].description, "there is no such tool"
        assert "http or https url" not in json.dumps(tools[name].inputSchema)
        assert tools[name].inputSchema["required"] == [required]
        for argument in tools[name].inputSchema["properties"].values():
            assert argument["description"]
    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    assert "curl -F files=@photo.jpg http://127.0.0.1:7860/gradio_api/upload" in text
    assert "curl -F files=@photo.jpg ADDRESS/gradio_api/upload" in HOW_TO_SEND


def test_an_agent_compares_explains_and_is_told_its_mistakes(app_url: str) -> None:
    async def converse(session: Any) -> list[Any]:
        return [
            await session.call_tool("compare", {"photo": PHOTO, "models": ["dense"]}),
            await session.call_tool("explain", {"photo": PHOTO, "label": "sad"}),
            await session.call_tool("batch", {"files": [PHOTO, PHOTO]}),
            await session.call_tool("compare", {"photo": PHOTO, "face_index": 7}),
            await session.call_tool("compare", {"photo": "data:image/png;base64,abc"}),
            await session.call_tool("compare", {"photo": "http://127.0.0.1:9/none.jpg"}),
            await session.call_tool("batch", {"files": ["http://127.0.0.1:9/none.jpg"]}),
        ]

    *done, no_face, damaged, unreachable, also_unreachable = talk(app_url, converse)
    compared, explained, batch = (json.loads(answer.content[0].text) for answer in done)
    assert [row["model"] for row in compared["models"]] == ["dense"]
    assert {row["label"] for row in explained["explanations"]} == {"sad"}
    assert [(row["face_index"], row["error"]) for row in batch] == [(0, None)] * 2
    for answer, words in (
        (no_face, "There is no face 7"),
        (damaged, "The data URI is damaged"),
        (unreachable, REFUSAL),
        (also_unreachable, REFUSAL),
    ):
        assert answer.isError
        assert words in answer.content[0].text


def test_an_agent_hands_a_photo_over_as_the_tool_says_and_no_file_of_the_server(app_url: str, tmp_path: Path) -> None:
    """Word for word what its description tells: the upload with curl, and the path that it prints."""
    tools = {tool.name: tool for tool in talk(app_url, lambda session: session.list_tools()).tools}
    (command,) = re.findall("`(curl .+?)`", tools["compare"].description)
    (server,) = re.findall(r"where (ADDRESS\S+) is that of this server", tools["compare"].description)
    address = find_server(app_url).removesuffix(server.removeprefix("ADDRESS"))
    (tmp_path / "photo.jpg").write_bytes(portrait_as_png())
    upload = subprocess.run(command.replace("ADDRESS", address).split(), cwd=tmp_path, capture_output=True, text=True)
    (path,) = json.loads(upload.stdout)

    async def converse(session: Any) -> list[Any]:
        return [
            await session.call_tool("compare", {"photo": path}),
            await session.call_tool("compare", {"photo": f"{address}/gradio_api/file={path}"}),
            await session.call_tool("batch", {"files": [path]}),
            await session.call_tool("compare", {"photo": "photo.jpg"}),
            await session.call_tool("compare", {"photo": __file__}),
            await session.call_tool("batch", {"files": [__file__]}),
            await session.call_tool("compare", {"photo": str(Path(path).parent / ".." / ".." / "photo.jpg")}),
        ]

    compared, by_address, batch, *refused = talk(app_url, converse)
    favourites = [json.loads(answer.content[0].text)["favourite"] for answer in (compared, by_address)]
    assert [*favourites, json.loads(batch.content[0].text)[0]["favourite"]] == favourites[:1] * 3
    for answer in refused:
        assert answer.isError
        assert "There is no upload" in answer.content[0].text
        assert command in answer.content[0].text, "what to do instead"
