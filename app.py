"""The demo, here, on a laptop and as a Hugging Face Space: `python app.py`."""

# ruff: noqa: E402  the environment must be set before a library reads it

import gc
import os
import signal
import sys
from functools import partial

gc.disable()  # while libraries load nothing is garbage; to look for it took a second and more of the start

# One thread for each call of a model, however many a Space names: two wait for each other at each layer. While others
# kept two cores busy (a load of about five), two blocks of 40 calls each with two threads and with one, medians:
# `baseline` 202 and 38 ms against 6 and 2 ms, the four together 691 and 407 ms against 31 and 30 ms; its fastest
# 1.4 against 1.3 ms. Set before torch is loaded, since `torch.set_num_threads` reaches no convolution of
# another thread than the one that calls it. The same for OpenCV: two looks at a photo of 640x480 took 51 ms of the
# processor with two threads and 34 ms with one.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENCV_FOR_THREADS_NUM"] = "1"

from fer_models.demo.uploads import use_own_folder

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing is sent anywhere
# Gradio sums all calls up that it remembers, after each of them, for a page that nobody sees here.
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(sys.maxsize)
try:
    UPLOADS = use_own_folder()
except OSError as error:
    sys.exit(f"error: {error}")

from starlette.middleware import Middleware
from transformers.utils.logging import disable_progress_bar

from fer_models.demo.agents import speak_to_agents
from fer_models.demo.device import place
from fer_models.demo.fetching import find_files
from fer_models.demo.forgetting import delete_regularly, forget_regularly
from fer_models.demo.internals import find_files_in_use, hide_space, leave_room, note_uploads, print_no_values
from fer_models.demo.limits import BodyLimit, find_address
from fer_models.demo.tabs.many import LONG_JOBS
from fer_models.demo.theme import CSS_PATHS, THEME
from fer_models.demo.ui import MAX_FILE_MB, MAX_UPLOAD_MB, build_demo
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel, load_models
from fer_models.memory import keep_freed_memory
from fer_models.zoo import NAMESPACE_VARIABLE, get_default_tag, list_models, list_tags

gc.freeze()
gc.enable()
disable_progress_bar()  # the weights load in milliseconds

DEFAULT_PORT = 7860
# So much freed memory is kept for the next photo: one of 24 megapixels takes as much.
MAX_FREED_BYTES = 2**28
# So many calls may wait for their turn, and so many of them for long jobs, of all and of each address; what comes then
# is told to try again.
MAX_WAITING = 64
MAX_LONG_WAITING, MAX_LONG_WAITING_EACH = 16, 4
# So much room uploads leave on the disk; what comes then is told to try again.
MIN_FREE_MB = 1000
# So many pages and calls are remembered, the latest. Each takes memory, and gradio would keep 10,000: how much memory
# many visits take is in training/results/app.json.
MAX_SESSIONS = 2000


def read_port() -> int:
    """The port that `PORT`, or the Space's `GRADIO_SERVER_PORT`, names."""
    text = os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        sys.exit(f"error: PORT must be a number between 1 and 65535, got {text!r}.")
    return int(text)


def load_other_ways() -> list[LoadedModel]:
    """The bundled models of the tags that are not the default."""
    return [
        model
        for name in list_models()
        for tag in list_tags(name)
        if tag != get_default_tag(name)
        for model in load_models([name], tag)
    ]


def load_all_models() -> tuple[list[LoadedModel], list[LoadedModel]]:
    """The models with their default tag, and those with other tags.

    A Space whose models on the Hub have vanished or are refused keeps to the weights that it brings along.
    """
    try:
        return load_models(), load_other_ways()
    except OSError as error:
        if not (os.environ.get("SPACE_ID") and os.environ.pop(NAMESPACE_VARIABLE, "")):
            raise
        print(f"warning: {error} Taking the bundled weights instead.", file=sys.stderr, flush=True)
        return load_all_models()


def stop_cleanly() -> None:
    """When told to stop, or when the terminal is closed, end so that the folder of uploads goes, too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # `nohup` has it ignore the latter
            signal.signal(number, lambda *_: sys.exit(0))


def main() -> None:
    port = read_port()
    stop_cleanly()
    keep_freed_memory(MAX_FREED_BYTES)
    try:
        models, other_ways = load_all_models()
        place([*models, *other_ways])
        demo = build_demo(models, FaceDetector(), other_ways)
        hide_space(demo)
        print_no_values()
        note_uploads()
        # Not `api_open`: it would let programs pass by the queue, and all its limits.
        # By default all who wait hear of each answer to another: with 20 of them, 18 messages for each answer.
        demo.queue(default_concurrency_limit=2, max_size=MAX_WAITING, api_open=False, status_update_rate=1)
        leave_room(demo, LONG_JOBS, MAX_LONG_WAITING, MAX_LONG_WAITING_EACH, find_address)
        delete_regularly(UPLOADS, partial(find_files_in_use, demo, find_files))
        demo.launch(
            server_port=port,
            theme=THEME,
            css_paths=CSS_PATHS,
            state_session_capacity=MAX_SESSIONS,
            run_history=False,  # by default faces would be kept in the visitor's browser
            max_file_size=f"{MAX_FILE_MB}mb",
            footer_links=["api"],
            ssr_mode=False,
            mcp_server=True,  # the functions of the API, as tools for agents
            app_kwargs={
                "lifespan": forget_regularly,
                "middleware": [
                    Middleware(
                        BodyLimit,
                        max_bytes=MAX_FILE_MB * 1024**2,
                        max_upload_bytes=MAX_UPLOAD_MB * 1024**2,
                        folder=UPLOADS,
                        min_free_bytes=MIN_FREE_MB * 1024**2,
                    )
                ],
            },
            quiet=True,
            prevent_thread_lock=True,
        )
        speak_to_agents(demo)
    except (ValueError, OSError, ImportError) as error:  # the detector lies in packages of others
        if "empty port" in str(error):
            sys.exit(f"error: port {port} is taken. Stop what uses it, or choose another: make demo PORT={port + 1}")
        sys.exit(f"error: {error}")
    print(f"The demo is ready: {demo.local_url} (Ctrl-C stops it)", flush=True)
    demo.block_thread()


if __name__ == "__main__":
    main()
