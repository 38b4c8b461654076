"""Many: photos or a zip in, a table of all faces out; or a video in, its timeline out."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr

from ...images import ImageError
from ..handlers.jobs import Report, View
from ..handlers.many import ManyHandlers, is_video
from ..handlers.many_open import find_photo
from ..handlers.many_photos import FaceTable
from ..inputs import FilesInput
from ..internals import get_upload_folder
from ..locales import LOCALES, translate
from ..scripts import read_script
from ..words import PRIVATE, Words, labelled, saying

# For how long a report can be shown again in another language, in seconds since it was made.
REPORT_LIFETIME_S = 600
# What stands in the place of the progress when a job has not come to its own end.
ENDS = ("many.cancelled", "many.cut_short")
# Long jobs take turns in a queue of their own, so that they do not keep others from comparing a photo.
LONG_JOBS = "many"
IN_TURN: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": LONG_JOBS}
# Pictures per second of a video that are looked at: least, most, and unless the visitor chooses.
RATES = (1, 10, 4)


def build_many_tab(
    handlers: ManyHandlers, words: Words, language_switch: gr.Radio, choice: gr.HTML, tabs: gr.Tabs
) -> None:
    """Lay the tab out and wire it, inside an open `gr.Tab`.

    Args:
        handlers: What its events do.
        words: Takes the components whose words follow the language.
        language_switch: Holds the language.
        choice: What is chosen in Compare, where a row is opened.
        tabs: Of the page.
    """
    with gr.Column(elem_id="many"):
        words.make(gr.HTML, saying("many.intro"), elem_id="many.intro")
        files = words.make(FilesInput, labelled("many.label"), file_count="multiple", height=180, elem_id="many.files")
        with gr.Column(elem_id="many.controls", elem_classes=["fer-problem-slot"]):
            narrow: dict[str, Any] = {"interactive": False, "min_width": 120}
            with gr.Row():
                start = words.make(gr.Button, saying("many.start"), variant="primary", elem_id="many.start", **narrow)
                cancel = words.make(gr.Button, saying("many.cancel"), elem_id="many.cancel", **narrow)
            slider = partial(gr.Slider, *RATES)
            rate = words.make(slider, labelled("many.rate"), step=1, visible=False, elem_id="many.rate")
            words.make(gr.HTML, saying("many.privacy"), elem_id="many.privacy")
            progress = gr.HTML(elem_id="many.progress")
        results = gr.HTML(elem_id="many.results", js_on_load=read_script("many.js"))
        plain: dict[str, Any] = {"interactive": False, "visible": False, "height": 420, "buttons": ["download"]}
        video = words.make(gr.Video, labelled("many.video"), elem_id="many.video", **plain)

    events = _Events(handlers)
    report = gr.State(time_to_live=REPORT_LIFETIME_S)
    job = gr.Textbox(visible=False)  # no state, which would tell a job that waits the name of the latest one
    at_once: dict[str, Any] = {"queue": False, **PRIVATE}
    shown, buttons = [progress, results, report, video], [start, cancel]

    files.change(_welcome, files, [rate, start], **at_once)
    results.select(events.open_face, [report, language_switch], [choice, tabs], **at_once)
    started = start.click(events.begin, [files, language_switch], [*shown, *buttons, job], **at_once)
    inputs = [files, job, rate, language_switch]
    ended = started.then(events.run, inputs, shown, trigger_mode="multiple", **IN_TURN, **PRIVATE)
    ended.then(events.end, None, buttons, **at_once)
    # Where the queue is full, or the server gone, nothing else follows; `page.js` says why.
    ended.failure(events.give_up, None, [progress, *buttons], **at_once)
    cancel.click(events.cancel, language_switch, [progress, *buttons], **at_once)
    for event in (language_switch.change, ended.then):
        event(events.show_again, [progress, report, language_switch], [progress, results], **at_once)

    # The same for programs; these components are never shown.
    answer = gr.JSON(visible=False)
    gr.Button(visible=False).click(events.batch, files, answer, api_name="batch", show_progress="hidden", **IN_TURN)


class _Events:
    """What the page's events show; `handlers` does the work."""

    def __init__(self, handlers: ManyHandlers) -> None:
        self.handlers = handlers

    def begin(self, files: list[tuple[str, Path]], language: str, request: gr.Request) -> list[Any]:
        job = uuid4().hex
        view = self.handlers.begin(files, _name_visitor(request), job, language)
        return [*_show(view), *_switch_buttons(bool(files)), job]

    def run(
        self, files: list[tuple[str, Path]], job: str, rate: float, language: str, request: gr.Request
    ) -> Iterator[list[Any]]:
        nothing = [gr.skip()] * len(fields(View))
        yield nothing  # else gradio empties what is shown of a cancelled job
        rate = min(max(rate, RATES[0]), RATES[1])
        for view in self.handlers.run(files, _name_visitor(request), job, rate, language):
            yield _show(view)
        yield nothing  # else gradio shows the last view again, over that of a job that was begun meanwhile

    def end(self, request: gr.Request) -> list[Any]:
        is_under_way = self.handlers.jobs.is_under_way(_name_visitor(request))  # a cancelled one may end late
        return _switch_buttons(is_under_way)

    def cancel(self, language: str, request: gr.Request) -> list[Any]:
        self.handlers.jobs.cancel(_name_visitor(request))
        return [_say("many.cancelled", language), *_switch_buttons(False)]

    def give_up(self, request: gr.Request) -> list[Any]:
        self.handlers.jobs.cancel(_name_visitor(request))
        return ["", *_switch_buttons(False)]

    def show_again(self, progress: str | None, report: Report | None, language: str, request: gr.Request) -> list[Any]:
        # A job under way shows its own, and a report that is forgotten stays on the page.
        if self.handlers.jobs.is_under_way(_name_visitor(request)):
            return [gr.skip(), gr.skip()]
        ends = [key for key in ENDS if progress in [_say(key, code) for code in LOCALES]]
        return [_say(ends[0], language) if ends else gr.skip(), report.render(language) if report else gr.skip()]

    def open_face(self, report: Report | None, language: str, event: gr.EventData) -> list[Any]:
        table = report if isinstance(report, FaceTable) else FaceTable([], [])
        with suppress(AttributeError, IndexError, TypeError):  # not every request is this page's
            row = table.rows[event.row]
            path = find_photo(table.files[row["upload"]][1], row["entry"], Path(get_upload_folder()))
            if path:
                return [{"path": str(path), "face": row["face_index"], "id": uuid4().hex}, gr.Tabs(selected="compare")]
        gr.Warning(translate(language, "error.missing"))
        return [gr.skip(), gr.skip()]

    def batch(self, files: list[tuple[str, Path]]) -> list[dict[str, Any]]:
        """Find every face in many photos and classify each with the four models that compare asks.

        The models guess which of seven labels people would give to a face: angry, disgust, fear, happy, neutral, sad
        or surprise. They are often wrong (`test_accuracy` says how often each one is right) and know nothing of what a
        person feels. Do not use the answers to decide anything about a person, and not at work, at school or on people
        who did not agree. The photos are deleted after some minutes and sent nowhere.

        Args:
            files: Photos, such as JPEG or PNG, of at most 50 megapixels each, or zips of photos; at most 1,000 photos.

        Returns:
            a list with one row for each face, in the order of the files, and one for each file without a face
            `file`, its name
            `error` and `message`, an id and a sentence that say why there is no face, or null
            `face_index`, which face of the file, counted from 0, the largest first
            `face`, `models`, `votes`, `average`, `favourite`, `agreement`, `sure` and `hints`, as compare returns them
        """
        try:
            return self.handlers.batch_json(files)
        except ImageError as error:
            raise gr.Error(str(error), print_exception=False) from error


def _say(key: str, language: str) -> str:
    return f"<p>{translate(language, key)}</p>"


def _name_visitor(request: gr.Request) -> str:
    return request.session_hash or ""  # programs have none; they get no page either


def _show(view: View) -> list[Any]:
    video = view.video and str(view.video)
    results = gr.skip() if view.results is None else view.results
    return [view.progress, results, view.report, gr.update(value=video, visible=video is not None)]


def _welcome(files: list[tuple[str, Path]]) -> list[Any]:
    """There is nothing to start without files, and no rate without a video."""
    return [gr.update(visible=any(map(is_video, files))), gr.update(interactive=bool(files))]


def _switch_buttons(is_running: bool) -> list[Any]:
    return [gr.update(interactive=not is_running), gr.update(interactive=is_running)]
