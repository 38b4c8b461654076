"""Whether the page that runs in the browser answers as this package does: faces of PublicTest, and made photos.

`python -m training.benchmarks.browser` opens `build/static` in Chromium and writes `training/results/browser.json`: the
largest difference of a probability on faces that are cut out already, of photos how many have the same faces, boxes and
answers, and the bytes of a first visit. `--part` measures one of these alone, and keeps what is known of the others.
Two are measured only when they are named: `timings`, for a machine that does nothing else, and `memory`, of ten minutes
of Live.
"""

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from PIL import Image

from fer_models.commands import command
from fer_models.inference import LoadedModel, load_models, predict_all
from fer_models.zoo import REPORT_MODELS

from ..data import load_fer2013
from ..publishing.static_page import StaticHandler, build_static, read_examples, serve
from ..runtime.files import write_json
from ..runtime.measured import make_measuring_parser
from ..runtime.provenance import describe_environment
from .browser_photos import measure_photos
from .chromium import open_camera, open_window

READY = "html[data-ready]"
CHUNK = 400
NUM_PHOTOS = 100
# What counts as the same.
MAX_PROBABILITY = 0.001
PARTS = ("bytes", "photos", "faces")
NAMED_PARTS = ("timings", "memory")
WARM_RUNS, LIVE_S = 15, 20
# How long Live runs before memory is watched, and while it is; and the wait between two looks.
WARM_UP_S, MEMORY_S, LOOK_S = 120, 600, 30


class CountingHandler(StaticHandler):
    """Counts the bytes of the answers."""

    sent = 0

    def copyfile(self, source: Any, outputfile: Any) -> None:
        content = source.read()
        CountingHandler.sent += len(content)
        outputfile.write(content)


def open_page(window: Any, url: str) -> Any:
    """A page whose models are loaded."""
    page = window.new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    page.wait_for_selector(READY)
    return page


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


@contextmanager
def open_with_camera(directory: Path) -> Iterator[Any]:
    """A page in Chromium whose camera sees a face."""
    with serve(directory) as url, open_camera(open_portrait()) as window:
        yield open_page(window, url)


def open_portrait() -> Image.Image:
    return Image.open(io.BytesIO(next(iter(read_examples().values())))).convert("RGB")


def start_live(page: Any) -> None:
    page.click("#tab-live")
    page.click("#live-button")
    page.wait_for_selector("#stage[data-faces='1']")


def measure_timings(directory: Path) -> dict[str, Any]:
    """Seconds from opening the page, of which nothing is cached, to the first answer; a warm answer; and Live."""
    buffer = io.BytesIO()
    open_portrait().resize((480, 562)).crop((0, 0, 480, 480)).resize((640, 480)).save(buffer, "JPEG")
    text = base64.b64encode(buffer.getvalue()).decode()
    answer = """async (text) => {
        const blob = new Blob([Uint8Array.from(atob(text), (character) => character.charCodeAt(0))]);
        const start = performance.now();
        await window.fer.compare(blob);
        return performance.now() - start;
    }"""
    with open_with_camera(directory) as page:
        page.evaluate(answer, text)
        cold_s = page.evaluate("performance.now()") / 1000
        warm = [page.evaluate(answer, text) for _ in range(WARM_RUNS)]
        start_live(page)
        page.wait_for_timeout(1000 * LIVE_S)
        rate = float(page.get_attribute("#stage", "data-fps"))
    return {"cold_s": cold_s, "warm_ms": median(warm), "live_pictures_per_second": rate}


def measure_memory(directory: Path, seconds: float = MEMORY_S) -> dict[str, Any]:
    """Megabytes that all processes of the browser hold while Live runs: at first, most, and at last."""
    with open_with_camera(directory) as page:
        start_live(page)
        page.wait_for_timeout(1000 * WARM_UP_S)
        held = [read_memory()]
        for _ in range(round(seconds / LOOK_S)):
            page.wait_for_timeout(1000 * LOOK_S)
            held.append(read_memory())
    return {"seconds": seconds, "first_mb": held[0], "most_mb": max(held), "last_mb": held[-1]}


def read_memory() -> float:
    """What this program's children hold, in megabytes; what they share counts once."""
    held = 0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it ended meanwhile
            held += child.memory_full_info().pss
    return held / 1e6


def measure_bytes(directory: Path) -> dict[str, Any]:
    """What a first visit fetches until the four models of one tag are ready, by a server that compresses nothing."""
    CountingHandler.sent = 0
    with serve(directory, CountingHandler) as url, open_window() as window:
        page = open_page(window, url)
        sent = CountingHandler.sent
        browser = page.evaluate("navigator.userAgent.match(/Chrome.[0-9.]+/)[0]")
    return {"first_visit_bytes": sent, "browser": browser}


@command
def main(argv: list[str] | None = None) -> None:
    parser = make_measuring_parser("benchmarks.browser", __doc__, "browser.json")
    choices = [*PARTS, *NAMED_PARTS]
    parser.add_argument("--part", choices=choices, help=f"measure this alone; by default {', '.join(PARTS)}")
    arguments = parser.parse_args(argv)
    directory = build_static()
    results = json.loads(arguments.output.read_text()) if arguments.output.is_file() else {}
    for part in [arguments.part] if arguments.part else PARTS:
        environment = describe_environment()
        if part == "bytes":
            measured = measure_bytes(directory)
        elif part == "timings":
            measured = measure_timings(directory)
        elif part == "memory":
            measured = measure_memory(directory)
        else:
            models = load_models(REPORT_MODELS)
            with serve(directory) as url, open_window() as window:
                page = open_page(window, url)
                if part == "faces":
                    images = list(load_fer2013(arguments.data)["validation"]["image"])
                    measured = measure_faces(page, models, images)
                else:
                    measured = measure_photos(page, models, NUM_PHOTOS)
        results[part] = measured | {"environment": environment}
        write_json(arguments.output, results)
        print(json.dumps({part: measured}, indent=2), flush=True)


if __name__ == "__main__":
    main()
