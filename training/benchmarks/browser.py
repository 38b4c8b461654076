"""Whether the page that runs in the browser answers as this package does: faces of PublicTest, and made photos.

`python -m training.benchmarks.browser` opens `build/static` in Chromium and writes `training/results/browser.json`: the
largest difference of a probability on faces that are cut out already, of photos how many have the same faces, boxes and
answers, and the bytes of a first visit. `--part` measures one of these alone, and keeps what is known of the others;
`timings`, for a machine that does nothing else, is measured only when it is named.
"""

import base64
import io
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from fer_models.commands import CommandParser, command
from fer_models.configuration_fer import FER_CNN_ARCHITECTURES
from fer_models.inference import LoadedModel, load_models, predict_all

from .. import RESULTS_DIR
from ..data import add_data_option, load_fer2013
from ..publishing.static_page import StaticHandler, build_static, read_examples
from ..runtime.files import write_json
from ..runtime.provenance import describe_environment
from .browser_photos import measure_photos
from .live import write_camera_film

OUTPUT = RESULTS_DIR / "browser.json"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
CHUNK = 400
NUM_PHOTOS = 100
# What counts as the same.
MAX_PROBABILITY = 0.001
PARTS = ("bytes", "photos", "faces", "timings")
WARM_RUNS, LIVE_S = 15, 20


class CountingHandler(StaticHandler):
    """Counts the bytes of the answers."""

    sent = 0

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        CountingHandler.sent += len(content)
        outputfile.write(content)


@contextmanager
def serve(directory: Path) -> Iterator[str]:
    """The address of a folder on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(CountingHandler, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


@contextmanager
def open_browser(url: str, *arguments: str, **options: Any) -> Iterator[Any]:
    """A page in Chromium whose models are loaded."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if chromium is None:
        raise OSError("Chromium is not installed (Debian: chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *arguments])
        page = browser.new_context(locale="en-US", **options).new_page()
        page.set_default_timeout(120_000)
        page.goto(url)
        page.wait_for_selector("html[data-ready]")
        yield page
        browser.close()


def measure_faces(page: Any, models: list[LoadedModel], images: list[Image.Image]) -> dict[str, Any]:
    """Faces of 48x48 pixels, by this package and by the page."""
    largest, others, ties = 0.0, 0, 0
    for start in range(0, len(images), CHUNK):
        some = images[start : start + CHUNK]
        here = predict_all(models, some)
        pixels = np.stack([np.asarray(image.convert("L")) for image in some])
        rows = page.evaluate(
            """async ([tag, count, text]) => {
                const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
                const values = Float32Array.from(bytes, (value) => Math.fround(value * (1 / 255)));
                const greys = Array.from({ length: count }, (_, i) => values.subarray(i * 2304, (i + 1) * 2304));
                const answers = await (await import("./fer.js")).ask("run", { tag, greys });
                return answers.map((rows) => rows.map(({ probabilities }) => Object.values(probabilities)));
            }""",
            [models[0].tag, len(pixels), base64.b64encode(pixels.tobytes()).decode()],
        )
        for ours, theirs in zip(here, rows, strict=True):
            mine = np.array([list(one.probabilities.values()) for one in ours])
            other = np.array(theirs)
            largest = max(largest, float(np.abs(mine - other).max()))
            top = np.sort(mine, axis=1)
            is_tie = top[:, -1] - top[:, -2] < 2 * MAX_PROBABILITY
            is_other = mine.argmax(1) != other.argmax(1)
            others, ties = others + int((is_other & ~is_tie).sum()), ties + int((is_other & is_tie).sum())
    return {
        "tag": models[0].tag,
        "n": len(images),
        "models": len(models),
        "largest_difference": largest,
        "other_winners": others,
        "other_winners_of_ties": ties,
    }


def measure_timings(directory: Path) -> dict[str, Any]:
    """Bytes of a first visit; seconds from a cold start to the first answer; a warm answer; and Live."""
    with serve(directory) as url, tempfile.TemporaryDirectory() as folder:
        film = Path(folder, "camera.y4m")
        portrait = next(iter(read_examples().values()))
        write_camera_film(film, Image.open(io.BytesIO(portrait)).convert("RGB"))
        camera = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")
        photo = Image.open(io.BytesIO(portrait)).convert("RGB").resize((480, 562)).crop((0, 0, 480, 480))
        buffer = io.BytesIO()
        photo.resize((640, 480)).save(buffer, "JPEG")
        start = time.perf_counter()
        with open_browser(url, *camera, permissions=["camera"]) as page:
            answer = """async (text) => {
                const blob = new Blob([Uint8Array.from(atob(text), (character) => character.charCodeAt(0))]);
                const start = performance.now();
                await window.fer.compare(blob);
                return performance.now() - start;
            }"""
            text = base64.b64encode(buffer.getvalue()).decode()
            page.evaluate(answer, text)
            cold_s = time.perf_counter() - start
            warm = [page.evaluate(answer, text) for _ in range(WARM_RUNS)]
            page.click("#tab-live")
            page.click("#live-button")
            page.wait_for_selector("#stage[data-faces='1']")
            page.wait_for_timeout(1000 * LIVE_S)
            rate = float(page.get_attribute("#stage", "data-fps"))
    return {"cold_s": cold_s, "warm_ms": median(warm), "live_pictures_per_second": rate}


def measure_bytes(directory: Path) -> dict[str, Any]:
    """What a first visit fetches until the four models of one tag are ready, by a server that compresses nothing."""
    CountingHandler.sent = 0
    with serve(directory) as url, open_browser(url) as page:
        sent = CountingHandler.sent
        browser = page.evaluate("navigator.userAgent.match(/Chrome.[0-9.]+/)[0]")
    return {"first_visit_bytes": sent, "browser": browser}


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.benchmarks.browser", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--part", choices=PARTS, help="measure this alone; by default all but the timings")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="PATH", help="where to write")
    arguments = parser.parse_args(argv)
    directory = build_static()
    results = json.loads(arguments.output.read_text()) if arguments.output.is_file() else {}
    for part in [arguments.part] if arguments.part else PARTS[:-1]:
        environment = describe_environment()
        if part == "bytes":
            measured = measure_bytes(directory)
        elif part == "timings":
            measured = measure_timings(directory)
        else:
            models = load_models(list(FER_CNN_ARCHITECTURES))
            with serve(directory) as url, open_browser(url) as page:
                if part == "photos":
                    measured = measure_photos(page, models, NUM_PHOTOS)
                else:
                    images = list(load_fer2013(arguments.data)["validation"]["image"])
                    measured = measure_faces(page, models, images)
        results[part] = measured | {"environment": environment}
        write_json(arguments.output, results)
        print(json.dumps({part: measured}, indent=2), flush=True)


if __name__ == "__main__":
    main()
