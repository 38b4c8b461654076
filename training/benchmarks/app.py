"""The page under load, as visitors meet it: `python -m training.benchmarks.app` writes `training/results/app.json`.

Starts `app.py` as `make demo` does, and measures: the time until it is ready; the time from a dropped photo to the
answers, and the camera's frames per second, in a real browser; memory over many comparisons; answers beside busy
processes; many visitors at once; and what becomes of too much.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import psutil
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError
from PIL import Image

from fer_models.commands import at_least, command
from fer_models.demo.ui import MAX_FILE_MB
from fer_models.packages import find_examples

from ..runtime.measured import make_measuring_parser, write_measured
from .chromium import launch, open_window
from .live import measure_live

PHOTO_SIZE = (640, 480)
WARM_UP = 3
OVERSIZED_BYTES = (MAX_FILE_MB + 10) * 1024**2


def make_photos(folder: Path) -> list[Path]:
    """Photos of 640x480 pixels with one face each: the page's examples on grey."""
    paths = []
    for example in find_examples():
        portrait = Image.open(example).convert("RGB")
        portrait.thumbnail(PHOTO_SIZE)
        photo = Image.new("RGB", PHOTO_SIZE, "gray")
        photo.paste(portrait, ((PHOTO_SIZE[0] - portrait.width) // 2, 0))
        paths.append(folder / f"{Path(example).stem}.jpg")
        photo.save(paths[-1], quality=90)
    return paths


def summarize(seconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum of some times, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
    return {"median_ms": 1000 * statistics.median(seconds), "p95_ms": 1000 * cuts[-1], "max_ms": 1000 * max(seconds)}


def measure_page(url: str, process: psutil.Process, photo: Path, rounds: int) -> dict[str, Any]:
    """From the drop of a photo to the answers on the page, in Chromium; and what each visit leaves in memory."""
    seconds, memory = [], []
    with open_window(viewport={"width": 1440, "height": 900}) as window:
        page = window.new_page()
        for _ in range(WARM_UP + rounds):
            page.goto(url)
            page.wait_for_selector("#photo\\.begin input[type=file]", state="attached")
            page.wait_for_selector(".fer-card")
            start = time.perf_counter()
            page.set_input_files("#photo\\.begin input[type=file]", str(photo))
            page.wait_for_selector(".fer-card[data-winner]:not([data-winner=''])")
            seconds.append(time.perf_counter() - start)
            memory.append(process.memory_info().rss / 1e6)
    return {"rounds": rounds, **summarize(seconds[WARM_UP:]), **pick_memory(memory[WARM_UP:])}


def pick_memory(memory_mb: list[float]) -> dict[str, float]:
    """Resident memory after a fifth of what was done, and after all of it, in megabytes."""
    return {"after_a_fifth_mb": memory_mb[max(1, len(memory_mb) // 5) - 1], "at_the_end_mb": memory_mb[-1]}


def ask(client: Client, photo: Path) -> list[dict[str, Any]]:
    """What the page answers to a photo: a row for each model."""
    return client.predict(handle_file(str(photo)), api_name="/compare")["models"]


def time_models(client: Client, photo: Path) -> float:
    """Seconds that the models take for the face in a photo, of the time until its answer."""
    return sum(row["latency_ms"] for row in ask(client, photo)) / 1000


def measure_memory(client: Client, process: psutil.Process, photo: Path, comparisons: int) -> dict[str, Any]:
    """Resident memory while photos are compared one after another."""
    memory, seconds = [], []
    for _ in range(comparisons):
        seconds.append(time_models(client, photo))
        memory.append(process.memory_info().rss / 1e6)
    return {
        "comparisons": comparisons,
        **pick_memory(memory),
        "models_median_ms": 1000 * statistics.median(seconds),
    }


@contextmanager
def keep_busy(processes: int) -> Iterator[None]:
    """So many other processes compute without a pause until the end of the block."""
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


def measure_neighbours(client: Client, photo: Path, comparisons: int, neighbours: int) -> dict[str, Any]:
    """How long the four models take for one face while other processes are busy."""
    with keep_busy(neighbours):
        seconds = [time_models(client, photo) for _ in range(comparisons)]
    return {"processes": neighbours, "comparisons": comparisons, "models": summarize(seconds)}


def connect(url: str) -> Client:
    """A visitor's connection. Without certificates, which the client would read anew for each request: 100 ms of a
    processor that visitors here share with the page, and elsewhere do not.
    """
    return Client(url, verbose=False, ssl_verify=False)


def read_probabilities(client: Client, photo: Path) -> list[tuple[str, dict[str, float]]]:
    """What is only that photo's: each model's probabilities."""
    return [(row["model"], row["probabilities"]) for row in ask(client, photo)]


def measure_load(url: str, photos: list[Path], visitors: int, requests: int) -> dict[str, Any]:
    """Many visitors at once, each with a connection of its own and one request after another, about photos in turn.

    An answer is wrong if it is not what its photo got alone, such as another visitor's.

    Raises:
        ValueError: There are no two photos, or two get the same answer, so that one could pass for the other's.
    """
    client = connect(url)
    expected = [read_probabilities(client, photo) for photo in photos]
    if len(photos) < 2 or any(one == other for one, other in combinations(expected, 2)):
        raise ValueError(f"The load needs photos whose answers differ; got {', '.join(map(str, photos))}.")

    clients = [connect(url) for _ in range(visitors)]

    def visit(number: int) -> list[tuple[float, bool]]:
        outcomes = []
        for turn in range(number, number + requests // visitors):
            index = turn % len(photos)
            start = time.perf_counter()
            answer = read_probabilities(clients[number], photos[index])
            outcomes.append((time.perf_counter() - start, answer == expected[index]))
        return outcomes

    lost = 0
    outcomes = []
    start = time.perf_counter()
    with ThreadPoolExecutor(visitors) as pool:
        for future in [pool.submit(visit, number) for number in range(visitors)]:
            try:
                outcomes += future.result()
            except Exception as error:  # whatever the client raises, the request is lost
                print(f"lost: {error}", file=sys.stderr)
                lost += requests // visitors
    duration = time.perf_counter() - start
    return {
        "visitors": visitors,
        "requests": requests,
        "photos": len(photos),
        "lost": lost,
        "wrong": sum(not right for _, right in outcomes),
        "answers_per_second": len(outcomes) / duration,
        **summarize([seconds for seconds, _ in outcomes]),
    }


def measure_refusals(url: str, photo: Path, flood: int) -> dict[str, Any]:
    """An upload beyond the limit, and more requests at once than the queue holds; afterwards the page still answers."""
    oversized = httpx.post(f"{url}/gradio_api/upload", files={"files": ("a.jpg", bytes(OVERSIZED_BYTES))}, timeout=60)
    path = httpx.post(f"{url}/gradio_api/upload", files={"files": ("a.jpg", photo.read_bytes())}, timeout=60).json()[0]
    _, *others = httpx.get(f"{url}/gradio_api/info", timeout=60).json()["named_endpoints"]["/compare"]["parameters"]
    defaults = [parameter["parameter_default"] for parameter in others]
    call = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, *defaults]}

    def send(number: int) -> httpx.Response:
        return httpx.post(f"{url}/gradio_api/call/compare", json=call, timeout=120)

    with ThreadPoolExecutor(flood) as pool:
        responses = list(pool.map(send, range(flood)))
    refused = [response for response in responses if response.status_code != 200]
    deadline = time.monotonic() + 120
    while True:  # what waits is answered first
        try:
            answers = ask(connect(url), photo)
            break
        except QueueError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    return {
        "oversized_upload": {"bytes": OVERSIZED_BYTES, "status": oversized.status_code, "answer": oversized.text},
        "flood": flood,
        "queued": flood - len(refused),
        "refused": len(refused),
        "refusal": {"status": refused[0].status_code, "answer": refused[0].text} if refused else None,
        "answers_afterwards": bool(answers),
    }


@command
def main(argv: list[str] | None = None) -> None:
    parser = make_measuring_parser("benchmarks.app", __doc__, "app.json", reads_faces=False)
    count = at_least(1)
    parser.add_argument("--rounds", type=count, default=200, help="visits to the page, each with a photo")
    parser.add_argument("--live-seconds", type=float, default=20, help="how long the camera is on")
    parser.add_argument("--comparisons", type=count, default=1000, help="comparisons over which memory is watched")
    parser.add_argument("--busy-comparisons", type=count, default=100, help="comparisons beside busy processes")
    parser.add_argument("--neighbours", type=count, default=2, help="how many processes are busy then")
    parser.add_argument("--visitors", type=count, default=20, help="visitors at once")
    parser.add_argument("--requests", type=count, default=200, help="requests of all visitors together")
    parser.add_argument("--flood", type=count, default=300, help="requests sent at once")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        photo, *others = make_photos(Path(folder))
        start = time.perf_counter()
        with launch(["app.py"], HF_HUB_OFFLINE="1", GRADIO_TEMP_DIR=str(Path(folder, "uploads"))) as (started, url):
            ready_s, process = time.perf_counter() - start, psutil.Process(started.pid)
            results: dict[str, Any] = {"date": date.today().isoformat(), "ready_s": ready_s}
            steps = {
                "page": lambda: measure_page(url, process, photo, arguments.rounds),
                "live": lambda: measure_live(url, arguments.live_seconds),
                "load": lambda: measure_load(url, [photo, *others], arguments.visitors, arguments.requests),
                "memory": lambda: measure_memory(connect(url), process, photo, arguments.comparisons),
                "neighbours": lambda: measure_neighbours(
                    connect(url), photo, arguments.busy_comparisons, arguments.neighbours
                ),
                "refusals": lambda: measure_refusals(url, photo, arguments.flood),
            }
            for name, measure in steps.items():
                results[name] = measure()
                print(f"{name}: {json.dumps(results[name])}", flush=True)
    write_measured(arguments.output, results)


if __name__ == "__main__":
    main()
