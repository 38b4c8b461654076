"""Live without a browser: pictures of a camera in, what is laid over them out."""

import base64
import re
from io import BytesIO
from typing import Any

import pytest
from photos import load_portrait, make_no_face, make_two_faces
from PIL import Image

from fer_models.demo.figures.live import STAGE
from fer_models.demo.handlers import live
from fer_models.demo.handlers.live import LiveHandlers
from fer_models.demo.locales import LOCALES, translate
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


def to_frame(image: Image.Image) -> str:
    buffer = BytesIO()
    image.save(buffer, format="JPEG")
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def look(handlers: LiveHandlers, image: Image.Image | str, after_s: float = 0.1, **request: Any) -> dict[str, Any]:
    handlers.clock.now_s += after_s  # type: ignore[attr-defined]
    frame = image if isinstance(image, str) else to_frame(image)
    return handlers.look({"session": "a", "frame": frame, "model": "", "mirrored": False, "language": "en"} | request)


def boxes(answer: dict[str, Any]) -> list[tuple[float, float]]:
    """Left edge and width of each box, in percent."""
    found = re.findall(r"left:([-\d.]+)%;top:[-\d.]+%;width:([-\d.]+)%", answer["overlay"])
    return [(float(left), float(width)) for left, width in found]


def winners(answer: dict[str, Any]) -> dict[str, str]:
    return dict(re.findall(r'data-model="([^"]*)" data-winner="([^"]*)"', answer["answers"]))


@pytest.mark.parametrize("language", LOCALES)
def test_no_face_gets_a_sentence(handlers: LiveHandlers, language: str) -> None:
    answer = look(handlers, make_no_face(), language=language)
    assert (answer["status"], answer["faces"], boxes(answer)) == ("live", 0, [])
    assert translate(language, "live.no_face") in answer["overlay"]
    assert set(winners(answer).values()) == {""}


@pytest.mark.parametrize("language", LOCALES)
def test_a_face_gets_a_box_winners_and_a_timeline(handlers: LiveHandlers, language: str) -> None:
    for _ in range(11):
        answer = look(handlers, load_portrait(), language=language)
    assert answer["faces"] == len(boxes(answer)) == 1
    assert list(winners(answer)) == [model.name for model in handlers.models]
    for winner in winners(answer).values():
        assert translate(language, f"label.{winner}") in answer["overlay"]
    assert answer["answers"].count("<polyline") == 7
    assert answer["fps"] == pytest.approx(10)
    assert translate(language, "live.fps", fps=10) in answer["overlay"]


def test_one_network_is_shown_alone(handlers: LiveHandlers) -> None:
    answer = look(handlers, load_portrait(), model="dense")
    assert list(winners(answer)) == ["dense"]
    assert re.search(rf"{winners(answer)['dense']} \d+\N{{NO-BREAK SPACE}}%", answer["overlay"])


def test_boxes_follow_the_mirror(handlers: LiveHandlers) -> None:
    straight = boxes(look(handlers, make_two_faces()))
    mirrored = boxes(look(handlers, make_two_faces(), mirrored=True))
    assert len(straight) == 2
    assert mirrored == [(pytest.approx(100 - left - width, abs=0.02), width) for left, width in straight]


def test_boxes_are_those_of_the_whole_picture(handlers: LiveHandlers) -> None:
    face = handlers.detector.detect(load_portrait())[0]
    ((left, width),) = boxes(look(handlers, load_portrait()))
    assert left == pytest.approx(100 * face.box_xyxy[0] / load_portrait().width, abs=3)
    assert width == pytest.approx(100 * (face.box_xyxy[2] - face.box_xyxy[0]) / load_portrait().width, abs=3)


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


def test_another_choice_of_networks_begins_another_timeline(handlers: LiveHandlers) -> None:
    for _ in range(20):
        look(handlers, load_portrait())
    assert len(handlers._sessions["a"].timeline.points) > 2
    look(handlers, load_portrait(), model="dense")
    assert len(handlers._sessions["a"].timeline.points) == 1


def test_time_is_limited_and_one_can_go_on(handlers: LiveHandlers) -> None:
    for _ in range(live.TIME_LIMIT_S // 4):
        assert look(handlers, make_no_face(), after_s=4)["status"] == "live"
    assert look(handlers, make_no_face(), after_s=3.9)["status"] == "live"
    assert look(handlers, make_no_face(), after_s=0.2)["status"] == "over"
    assert look(handlers, make_no_face(), session="b")["status"] == "live"


def test_so_many_cameras_and_no_more_until_one_leaves(handlers: LiveHandlers) -> None:
    for session in range(live.MAX_SESSIONS):
        assert look(handlers, make_no_face(), session=str(session))["status"] == "live"
    assert look(handlers, make_no_face(), session="late")["status"] == "full"
    assert look(handlers, make_no_face(), after_s=live.IDLE_S + 1, session="late")["status"] == "live"
    assert list(handlers._sessions) == ["late"]


def test_a_second_picture_at_once_is_turned_away_and_not_kept_waiting(handlers: LiveHandlers) -> None:
    look(handlers, make_no_face())
    with handlers._sessions["a"].busy:
        assert look(handlers, make_no_face())["status"] == "busy"
    assert look(handlers, make_no_face())["status"] == "live"


@pytest.mark.parametrize(
    "frame",
    [None, "", 7, "data:,", "data:image/jpeg;base64,%%%", "data:image/jpeg;base64,AAAA", "x" * 2_000_000],
    ids=["none", "empty", "a number", "no base64", "bad base64", "no picture", "too long"],
)
def test_what_is_no_picture_is_refused_and_the_next_one_works(handlers: LiveHandlers, frame: Any) -> None:
    assert handlers.look({"session": "a", "frame": frame}) == {"status": "unreadable"}
    assert look(handlers, make_no_face())["status"] == "live"


@pytest.mark.parametrize("request_", [{}, {"session": None, "language": ["xx"], "model": 3}], ids=["empty", "nonsense"])
def test_a_strangers_request_is_never_an_exception(handlers: LiveHandlers, request_: dict[str, Any]) -> None:
    assert handlers.look(request_) == {"status": "unreadable"}
    assert handlers.look(request_ | {"frame": to_frame(make_no_face())})["status"] == "live"


@pytest.mark.parametrize("language", LOCALES)
def test_the_page_has_every_word_that_it_shows(handlers: LiveHandlers, language: str) -> None:
    page = handlers.describe_page(language)
    for key in re.findall(r'data-(?:word|label)="([^"]+)"', STAGE):
        assert page["words"][key].strip(), key
    assert "{" not in page["words"]["live.over"]
    assert page["models"] == [model.name for model in handlers.models]
