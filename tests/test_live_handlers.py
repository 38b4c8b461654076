"""Live without a browser: pictures of a camera in, what is laid over them out."""

import base64
import re
from io import BytesIO
from typing import Any

import gradio as gr
import pytest
from fastapi.testclient import TestClient
from gradio.routes import App
from photos import load_portrait, make_no_face, make_two_faces
from PIL import Image

from fer_models import inference
from fer_models.comparison import Prediction
from fer_models.demo.components.live import STAGE
from fer_models.demo.handlers import live
from fer_models.demo.handlers.compare import SHOWN_AT_FIRST
from fer_models.demo.handlers.live import LiveHandlers
from fer_models.demo.locales import translate
from fer_models.demo.tabs.live import build_live_tab
from fer_models.demo.words import Words
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel


class Clock:
    """A clock that the test moves."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def handlers(models: list[LoadedModel], detector: FaceDetector) -> LiveHandlers:
    return LiveHandlers(models, detector, Clock())


def to_frame(image: Image.Image, format: str = "JPEG") -> str:
    buffer = BytesIO()
    image.save(buffer, format)
    return f"data:image/{format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def look(
    handlers: LiveHandlers, image: Image.Image, after_s: float = 0.1, address: str = "home", **request: Any
) -> dict[str, Any]:
    handlers.clock.now_s += after_s  # type: ignore[attr-defined]
    defaults = {"session": "a", "frame": to_frame(image), "model": "", "mirrored": False, "language": "en"}
    return handlers.look(defaults | request, address)


def boxes(answer: dict[str, Any]) -> list[tuple[float, float]]:
    """Left edge and width of each box, in percent."""
    found = re.findall(r"left:([-\d.]+)%;top:[-\d.]+%;width:([-\d.]+)%", answer["overlay"])
    return [(float(left), float(width)) for left, width in found]


def winners(answer: dict[str, Any]) -> dict[str, str]:
    return dict(re.findall(r'data-model="([^"]*)" data-winner="([^"]*)"', answer["answers"]))


def test_no_face_gets_a_sentence(handlers: LiveHandlers) -> None:
    answer = look(handlers, make_no_face(), language="es")
    assert (answer["status"], answer["faces"], boxes(answer)) == ("live", 0, [])
    assert translate("es", "live.no_face") in answer["overlay"]
    assert set(winners(answer).values()) == {""}


def test_a_face_gets_a_box_winners_and_a_timeline_which_another_choice_of_models_begins_anew(
    handlers: LiveHandlers,
) -> None:
    for _ in range(20):
        answer = look(handlers, load_portrait(), language="es")
    assert answer["faces"] == len(boxes(answer)) == 1
    assert list(winners(answer)) == [model.name for model in handlers.models[:SHOWN_AT_FIRST]]
    for winner in winners(answer).values():
        assert translate("es", f"label.{winner}") in answer["overlay"]
    assert answer["answers"].count("<polyline") == 7
    assert answer["fps"] == pytest.approx(10)
    assert translate("es", "live.fps", fps=10) in answer["overlay"]
    assert len(handlers._sessions["a"].timeline.points) > 2
    alone = look(handlers, load_portrait(), model="dense")
    assert len(handlers._sessions["a"].timeline.points) == 1
    assert list(winners(alone)) == ["dense"]
    assert re.search(rf"{winners(alone)['dense']} \d+\N{{NO-BREAK SPACE}}%", alone["overlay"])


def test_boxes_are_those_of_the_whole_picture_and_follow_the_mirror(handlers: LiveHandlers) -> None:
    two, width_px = make_two_faces(), make_two_faces().width
    straight = boxes(look(handlers, two))
    faces = handlers.detector.detect(two)
    assert straight == [
        (pytest.approx(100 * left / width_px, abs=3), pytest.approx(100 * (right - left) / width_px, abs=3))
        for left, _, right, _ in (face.box_xyxy for face in faces)
    ]
    mirrored = boxes(look(handlers, two, mirrored=True))
    assert mirrored == [(pytest.approx(100 - left - width, abs=0.02), width) for left, width in straight]


def test_the_answers_stay_with_one_face(handlers: LiveHandlers) -> None:
    left = make_two_faces().crop((0, 0, 550, 600))  # the larger face only
    empty = Image.new("RGB", left.size, "grey")
    look(handlers, left)
    first = handlers._sessions["a"].followed
    look(handlers, empty)
    assert handlers._sessions["a"].followed is first  # it may come back
    assert look(handlers, left)["faces"] == 1
    assert handlers._sessions["a"].followed is first
    look(handlers, empty, after_s=2)
    look(handlers, left, after_s=2)
    assert handlers._sessions["a"].followed is not first


def test_time_is_limited_and_one_can_go_on(handlers: LiveHandlers) -> None:
    for _ in range(live.TIME_LIMIT_S // live.AWAY_S):  # who looks away does not begin anew
        assert look(handlers, make_no_face(), after_s=live.AWAY_S)["status"] == "live"
    assert look(handlers, make_no_face(), after_s=live.AWAY_S - 0.1)["status"] == "live"
    assert look(handlers, make_no_face(), after_s=0.2)["status"] == "over"
    assert look(handlers, make_no_face(), session="b")["status"] == "pause", "first those who wait"
    assert look(handlers, make_no_face(), session="c", address="elsewhere")["status"] == "live"
    assert look(handlers, make_no_face(), after_s=live.PAUSE_S, session="b")["status"] == "live"


def test_so_many_cameras_and_no_more_until_one_leaves(handlers: LiveHandlers) -> None:
    def ask(session: object, **request: Any) -> str:
        return look(handlers, make_no_face(), session=str(session), **request)["status"]

    for session in range(live.MAX_SESSIONS - 1):
        assert ask(session) == "live"
    assert ask("one more") == "full", "one visitor cannot take all places by making ids up"
    assert ask("other", address="elsewhere") == "live"
    assert ask("late", address="anywhere") == "full"
    for number, previous in enumerate(("other", "other 0", "other 1")):  # switched off and on, one keeps one's place
        assert ask(f"other {number}", address="elsewhere", previous=previous) == "live"
    assert len(handlers._sessions) == live.MAX_SESSIONS
    assert ask("late", address="anywhere", after_s=live.IDLE_S + 1) == "live"
    for session in range(live.MAX_SESSIONS - 2):  # who comes back has a place again, if there is one
        assert ask(session, after_s=0) == "live"
    assert ask("late 2", address="anywhere") == "live"
    assert ask(live.MAX_SESSIONS - 2) == "full"
    assert ask("later", address="anywhere", after_s=live.AWAY_S + live.IDLE_S) == "live"
    assert list(handlers._sessions) == ["later"]


@pytest.mark.parametrize("on_space", [True, False])
def test_a_visitor_is_known_by_the_address_that_the_proxy_of_a_space_tells(
    handlers: LiveHandlers, monkeypatch: pytest.MonkeyPatch, on_space: bool
) -> None:
    monkeypatch.setenv("SPACE_ID", "alice/fer") if on_space else monkeypatch.delenv("SPACE_ID", raising=False)
    with gr.Blocks() as page:
        build_live_tab(handlers, Words())
    (stage,) = (block for block in page.blocks.values() if block.elem_id == "live")
    client = TestClient(App.create_app(page))
    for session, told in (("direct", None), ("proxy", "192.0.2.1"), ("claim", "198.51.100.7, 192.0.2.1")):
        data = {"session": session, "frame": to_frame(make_no_face())}
        body = {"data": data, "component_id": stage._id, "fn_name": "look", "session_hash": session}
        headers = {"X-Forwarded-For": told} if told else {}
        answer = client.post("/gradio_api/component_server/", json=body, headers=headers).json()
        assert answer["status"] == "live"
    addresses = [session.address for session in handlers._sessions.values()]
    assert addresses == (["testclient", "192.0.2.1", "192.0.2.1"] if on_space else ["testclient"] * 3)


FRAMES = {
    "none": None,
    "no base64": "data:,",
    "bad base64": "data:image/jpeg;base64,%%%",
    "no picture": "data:image/jpeg;base64,AAAA",
    "too long": "x" * 2_000_000,
    "many pixels, few bytes": to_frame(Image.new("1", (1921, 1080)), "PNG"),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_what_is_no_picture_is_refused_and_the_next_one_works(handlers: LiveHandlers, frame: Any) -> None:
    for request in ({"session": "a"}, {}, {"session": None, "language": ["xx"], "model": 3}):  # a stranger's, too
        assert handlers.look(request | {"frame": frame}, "home") == {"status": "unreadable"}
        assert handlers.look(request | {"frame": to_frame(make_no_face())}, "home")["status"] == "live"


def test_a_second_picture_at_once_is_turned_away_and_not_kept_waiting(handlers: LiveHandlers) -> None:
    look(handlers, make_no_face())
    with handlers._sessions["a"].busy:
        assert look(handlers, make_no_face())["status"] == "busy"
    assert look(handlers, make_no_face())["status"] == "live"


def test_the_page_has_every_word_that_it_shows(handlers: LiveHandlers) -> None:
    words = handlers.describe_page("es")["words"]
    keys = re.findall(r'data-(?:word|label)="([^"]+)"', STAGE)
    assert {key: words[key] for key in keys} == {key: translate("es", key) for key in keys}
    assert "{" not in words["live.over"]


def test_another_expression_has_its_label_at_once(handlers: LiveHandlers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The label came half a second late: a new face wore the old one."""
    labels = handlers.models[0].labels

    def say(label: str) -> dict[str, Any]:
        answers = dict.fromkeys(labels, 0.05) | {label: 0.7}

        def predict_all(models: list[LoadedModel], faces: list[Any]) -> list[list[Prediction]]:
            return [[Prediction(model.name, answers, 1.0) for _ in faces] for model in models]

        monkeypatch.setattr(inference, "predict_all", predict_all)
        return look(handlers, load_portrait())

    for _ in range(5):
        say(labels[0])
    answer = say(labels[1])
    assert set(winners(answer).values()) == {labels[1]}
    assert (answer["votes"], answer["split"]) == ([4], 0)


def test_sessions_end_only_under_the_lock(handlers: LiveHandlers, monkeypatch: pytest.MonkeyPatch) -> None:
    class Guarded(dict[str, live.Session]):
        """Who comes goes through all sessions, which must not change meanwhile."""

        def __delitem__(self, key: str) -> None:
            assert handlers._lock.locked()
            super().__delitem__(key)

        def pop(self, *arguments: Any) -> Any:
            assert handlers._lock.locked()
            return super().pop(*arguments)

    monkeypatch.setattr(live, "TIME_LIMIT_S", -1)
    handlers = LiveHandlers(handlers.models, handlers.detector, Clock(), _sessions=Guarded())
    assert look(handlers, make_no_face())["status"] == "over"
    assert not handlers._sessions
