"""A page in the Firefox that the system has, by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), for `browser`.

playwright drives Firefox builds of its own only, and Debian packages no geckodriver.
"""

import asyncio
import itertools
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp

PROGRAMS = ("firefox-esr", "firefox")
TIMEOUT_S = 120


class FirefoxPage:
    """A page whose scripts can be asked.

    Args:
        runner: Runs what waits for Firefox.
        socket: The connection to Firefox, with a session.
        context: The page's id.
    """

    def __init__(self, runner: asyncio.Runner, socket: aiohttp.ClientWebSocketResponse, context: str):
        self._runner, self._socket, self._context = runner, socket, context

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """What a JavaScript function answers to an argument, both as JSON.

        Raises:
            RuntimeError: It throws, or Firefox does.
        """
        expression = f"(async () => JSON.stringify((await ({function})({json.dumps(argument)})) ?? null))()"
        target = {"context": self._context}
        command = {"expression": expression, "target": target, "awaitPromise": True}
        answer = self._runner.run(_send(self._socket, "script.evaluate", **command))
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])


@contextmanager
def open_firefox(url: str, ready: str) -> Iterator[FirefoxPage]:
    """A page in Firefox, once an element of it matches the selector `ready`.

    Raises:
        OSError: Firefox is not installed, or does not start.
        TimeoutError: The page does not become ready.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise OSError(f"Firefox is not installed (Debian: {PROGRAMS[0]}).")
    with tempfile.TemporaryDirectory() as profile, asyncio.Runner() as runner:
        command = [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr
            matches = (re.search(r"listening on (ws://\S+)", line) for line in process.stderr)
            address = next((match[1] for match in matches if match), None)
            if address is None:
                raise OSError("Firefox does not start.")
            client, socket, context = runner.run(_connect(f"{address}/session", url))
            page = FirefoxPage(runner, socket, context)
            deadline = time.monotonic() + TIMEOUT_S
            while not page.evaluate("(selector) => !!document.querySelector(selector)", ready):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{url} does not become ready in Firefox.")
                time.sleep(0.2)
            yield page
            runner.run(client.close())
        finally:
            process.kill()
            process.wait()


async def _connect(address: str, url: str) -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse, str]:
    client = aiohttp.ClientSession()
    socket = await client.ws_connect(address, max_msg_size=0)
    await _send(socket, "session.new", capabilities={})
    (context, *_) = (await _send(socket, "browsingContext.getTree"))["contexts"]
    await _send(socket, "browsingContext.navigate", context=context["context"], url=url, wait="complete")
    return client, socket, context["context"]


_ids = itertools.count()


async def _send(socket: aiohttp.ClientWebSocketResponse, method: str, **parameters: Any) -> dict[str, Any]:
    number = next(_ids)
    await socket.send_json({"id": number, "method": method, "params": parameters})
    while True:  # events come in between
        answer = await socket.receive_json(timeout=10 * TIMEOUT_S)
        if answer.get("id") == number:
            break
    if answer["type"] == "error":
        raise RuntimeError(answer["message"])
    result: dict[str, Any] = answer["result"]
    return result
