"""Addresses are refused before anything is fetched, whatever the component: nothing is stored, no machine visited."""

import asyncio
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio import processing_utils

from fer_models.demo.fetching import REFUSAL
from fer_models.demo.inputs import FilesInput, PhotoInput
from fer_models.demo.internals import DOWNLOADS, refuse_downloads


@pytest.mark.parametrize("component", [PhotoInput, FilesInput, gr.Textbox, gr.Video])
def test_no_component_fetches_an_address(component: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    visits: list[str] = []

    async def download(url: str, *_: Any, **__: Any) -> str:
        visits.append(url)
        return url

    for name in DOWNLOADS:
        monkeypatch.setattr(processing_utils, name, download)
    refuse_downloads(REFUSAL)
    address, block = "http://192.0.2.1/a.png", component()
    payload = {"path": address, "meta": {"_type": "gradio.FileData"}}
    with pytest.raises(gr.Error, match="fetches no file"):
        asyncio.run(processing_utils.async_move_files_to_cache(payload, block, check_in_upload_folder=True))
    with pytest.raises(gr.Error, match="fetches no file"):
        block.move_resource_to_block_cache(address)
    assert visits == []


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("photo.jpg", "There is no upload 'photo.jpg'"),
        ("https://example.org/a.png", REFUSAL),
        ({"path": "https://example.org/a.png", "meta": {"_type": "gradio.FileData"}}, REFUSAL),  # as a client sends it
        ("data:image/png;base64,xx", "data URI is damaged"),
    ],
)
def test_a_program_is_told_what_it_sent_wrongly(app_url: str, sent: Any, told: str) -> None:
    for name, data in (("compare", [sent, 0, False, None, None]), ("batch", [[sent]]), ("batch", [sent])):
        url = f"{app_url}/gradio_api/call/{name}"
        event = httpx.post(url, json={"data": data}).json()["event_id"]
        assert told in httpx.get(f"{url}/{event}").text.encode().decode("unicode_escape")
