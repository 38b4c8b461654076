import re
from pathlib import Path

import numpy as np
import pytest
from photos import load_portrait, make_no_face, make_two_faces, portrait_path

from fer_models.demo.handlers.compare import Answer, CompareHandlers, find_examples
from fer_models.demo.locales import LOCALES, translate
from fer_models.faces import FaceDetector
from fer_models.images import ImageError, read_image
from fer_models.inference import load_models


@pytest.fixture(scope="module")
def handlers() -> CompareHandlers:
    return CompareHandlers(load_models(), FaceDetector())


def winners(answer: Answer) -> list[str]:
    return re.findall(r'data-winner="([^"]*)"', answer.results)


@pytest.mark.parametrize("language", LOCALES)
def test_without_a_photo_the_columns_stand_empty(handlers: CompareHandlers, language: str) -> None:
    answer = handlers.answer(None, False, language)
    assert winners(answer) == [""] * 4
    assert translate(language, "verdict.empty") in answer.results
    assert not answer.photo
    assert not answer.offer_whole_image


@pytest.mark.parametrize("language", LOCALES)
def test_a_portrait_gets_four_answers_a_box_and_a_crop(handlers: CompareHandlers, language: str) -> None:
    answer = handlers.answer(str(portrait_path()), False, language)
    assert len(winners(answer)) == 4
    assert all(winners(answer))
    for winner in winners(answer):
        assert translate(language, f"label.{winner}") in answer.results
    assert answer.photo.count("<rect") == 1
    assert answer.photo.count("data:image/") == 2


def test_the_crop_that_is_shown_is_what_the_networks_get(handlers: CompareHandlers) -> None:
    shown = handlers._as_networks_see(load_portrait())
    pixel_values = handlers.models[0].image_processor(load_portrait(), return_tensors="np")["pixel_values"]
    assert shown.size == (48, 48)
    assert np.array_equal(np.rint(255 * pixel_values[0, 0]), np.asarray(shown))


def test_several_faces_are_all_drawn_and_the_choice_is_said(handlers: CompareHandlers, tmp_path: Path) -> None:
    make_two_faces().save(tmp_path / "two.png")
    answer = handlers.answer(str(tmp_path / "two.png"), False, "en")
    assert answer.photo.count("<rect") == 2
    assert "2 faces were found" in answer.results


def test_no_face_offers_the_whole_picture_which_then_works(handlers: CompareHandlers, tmp_path: Path) -> None:
    make_no_face().save(tmp_path / "sky.png")
    answer = handlers.answer(str(tmp_path / "sky.png"), False, "en")
    assert answer.offer_whole_image
    assert "No face was found" in answer.results
    answer = handlers.answer(str(tmp_path / "sky.png"), True, "en")
    assert not answer.offer_whole_image
    assert all(winners(answer))
    assert "The whole picture" in answer.results


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "missing"), (b"", "empty"), (b"text", "not_an_image"), (b"\x89PNG\r\n\x1a\n" + bytes(40), "not_an_image")],
)
def test_bad_files_get_a_sentence_in_the_visitors_language(
    handlers: CompareHandlers, tmp_path: Path, content: bytes | None, reason: str, language: str
) -> None:
    path = tmp_path / "photo.png"
    if content is not None:
        path.write_bytes(content)
    answer = handlers.answer(str(path), False, language)
    assert translate(language, f"error.{reason}", megapixels=50) in answer.results
    assert 'role="alert"' in answer.results


def test_json_without_a_photo_is_refused(handlers: CompareHandlers) -> None:
    with pytest.raises(ImageError, match="No photo"):
        handlers.compare_json(None, False)


def test_every_example_has_one_face(handlers: CompareHandlers) -> None:
    assert find_examples()
    for path in find_examples():
        assert len(handlers.detector.detect(read_image(path))) == 1, path
