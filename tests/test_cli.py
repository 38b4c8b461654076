import json
import re
import sys
from pathlib import Path

import pytest
from photos import make_no_face, make_two_faces, portrait_path, write_animations

import app
from fer_models.__main__ import main


def test_compare_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", str(portrait_path())])
    output = capsys.readouterr().out
    assert " of 4: " in output, "the report's four, as on the page"
    assert "transfer" not in output
    for word in ("baseline", "batchnorm-dropout", "happy", "surprise", "ms", "most people"):
        assert word in output


def test_compare_prints_json_of_the_models_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", "--json", "--tag", "tuned", str(portrait_path()), "--models", "transfer,dense"])
    rows = json.loads(capsys.readouterr().out)["models"]
    assert [(row["model"], row["tag"]) for row in rows] == [("transfer", "tuned"), ("dense", "tuned")]


def test_compare_takes_any_face_and_prints_the_average(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_two_faces().save(tmp_path / "two.png")
    main(["compare", "--face", "1", str(tmp_path / "two.png"), "--models", "dense"])
    output = capsys.readouterr().out
    assert "face 1 of 2" in output
    assert re.search(r"^ +dense +average$", output, re.MULTILINE), "whose name is the shorter one"
    assert output.count("average") == 2 - ("not sure" in output)


def test_compare_says_what_may_explain_a_bad_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    face_first, sky_first = write_animations(tmp_path)
    main(["compare", str(face_first), "--models", "baseline"])
    assert re.search(r"^hints +animated$", capsys.readouterr().out, re.MULTILINE)
    with pytest.raises(SystemExit, match="Only the first of its pictures"):
        main(["compare", str(sky_first), "--models", "baseline"])
    main(["compare", str(portrait_path()), "--models", "baseline"])
    assert "hints" not in capsys.readouterr().out


def test_without_a_detector_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    for start in (app.main, lambda: main(["compare", str(portrait_path())])):
        with pytest.raises(SystemExit, match=r"^error: The face detector needs OpenCV: pip install"):
            start()


def test_a_photo_without_a_face_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_no_face().save(tmp_path / "sky.png")
    for options in ([], ["--json"]):
        with pytest.raises(SystemExit, match="--whole-image"):
            main(["compare", "--models", "baseline", *options, str(tmp_path / "sky.png")])
    assert json.loads(capsys.readouterr().out)["face"] is None, "the object is printed all the same"
    main(["compare", "--models", "baseline", "--whole-image", str(tmp_path / "sky.png")])
