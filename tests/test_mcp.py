"""What an agent sees of the page: the tools of its MCP server, over loopback."""

import asyncio
import base64
import json
import re
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from browsing import REPOSITORY
from photos import portrait_as_png

from fer_models.demo.agents import HOW_TO_SEND
from fer_models.demo.fetching import REFUSAL
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


@pytest.fixture(scope="module")
def photo() -> str:
    return "data:image/png;base64," + base64.b64encode(portrait_as_png()).decode()


def test_the_tools_are_the_three_that_are_meant_and_say_what_they_do(app_url: str) -> None:
    tools = {tool.name: tool for tool in talk(app_url, lambda session: session.list_tools()).tools}
    assert set(tools) == {"compare", "explain", "batch"}
    for name, required in (("compare", "photo"), ("explain", "photo"), ("batch", "files")):
        assert "not" in tools[name].description
        assert ",," not in tools[name].description, "gradio puts a comma after each line of what is returned"
        assert tools[name].inputSchema["required"] == [required]
        for argument in tools[name].inputSchema["properties"].values():
            assert argument["description"]


def test_an_agent_has_many_photos_looked_at(app_url: str, photo: str) -> None:
    async def converse(session: Any) -> list[Any]:
        return [
            await session.call_tool("batch", {"files": [photo, photo]}),
            await session.call_tool("batch", {"files": [__file__]}),
        ]

    done, refused = talk(app_url, converse)
    assert not done.isError, done.content
    rows = json.loads(done.content[0].text)
    assert [(row["face_index"], row["error"]) for row in rows] == [(0, None)] * 2
    assert refused.isError, "a path of the server is no file of the agent's"


def test_an_agent_compares_and_explains_and_is_told_its_mistakes(app_url: str, photo: str) -> None:
    async def converse(session: Any) -> list[Any]:
        return [
            await session.call_tool("compare", {"photo": photo, "models": ["dense"]}),
            await session.call_tool("explain", {"photo": photo, "label": "sad"}),
            await session.call_tool("compare", {"photo": photo, "face_index": 7}),
            await session.call_tool("compare", {"photo": "http://127.0.0.1:9/none.jpg"}),
            await session.call_tool("batch", {"files": ["http://127.0.0.1:9/none.jpg"]}),
        ]

    compared, explained, refused, *unreachable = talk(app_url, converse)
    for answer in unreachable:
        assert answer.isError
        assert REFUSAL in answer.content[0].text
    answer = json.loads(compared.content[0].text)
    assert [row["model"] for row in answer["models"]] == ["dense"]
    assert {row["label"] for row in json.loads(explained.content[0].text)["explanations"]} == {"sad"}
    assert refused.isError
    assert "There is no face 7" in refused.content[0].text


def test_an_agent_hands_a_photo_over_as_the_tool_says(app_url: str, tmp_path: Path) -> None:
    """Word for word what its description tells: the upload with curl, and the path that it prints."""
    tools = {tool.name: tool for tool in talk(app_url, lambda session: session.list_tools()).tools}
    for tool in tools.values():
        assert "upload_file_to_gradio" not in tool.description, "there is no such tool"
        assert "http or https url" not in json.dumps(tool.inputSchema)
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
            await session.call_tool("compare", {"photo": "data:image/png;base64,abc"}),
        ]

    compared, by_address, batch, *refused, damaged = talk(app_url, converse)
    assert damaged.isError
    assert "The data URI is damaged" in damaged.content[0].text
    favourites = [json.loads(answer.content[0].text)["favourite"] for answer in (compared, by_address)]
    assert [*favourites, json.loads(batch.content[0].text)[0]["favourite"]] == favourites[:1] * 3
    for answer in refused:
        assert answer.isError
        assert "There is no upload" in answer.content[0].text
        assert command in answer.content[0].text, "what to do instead"


def test_the_docs_tell_an_agent_the_same() -> None:
    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    assert "curl -F files=@photo.jpg http://127.0.0.1:7860/gradio_api/upload" in text
    assert "curl -F files=@photo.jpg ADDRESS/gradio_api/upload" in HOW_TO_SEND
