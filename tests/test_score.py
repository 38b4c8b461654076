"""Scoring a large collection: what the rows hold, and that none is lost or there twice, whatever happens."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import datasets.config
import pandas as pd
import psutil
import pytest
from conftest import REPO_ROOT, encode_png, exit_message, make_class_png, make_face, write_parquet
from datasets import Dataset, load_dataset
from hub_server import HubServer
from huggingface_hub import HfApi, constants
from photos import load_portrait, make_no_face
from PIL import Image
from processes import Command

from fer_models import zoo
from fer_models.comparison import Comparison
from fer_models.faces import FaceDetector
from fer_models.hub import MODEL_FILES, make_fixed_revision
from fer_models.images import read_image
from fer_models.inference import LoadedModel, compare, load_models, predict
from fer_models.zoo import checkpoint_dir
from training.evaluation.made_photos import load_pictures, load_portraits
from training.scoring import chunks as scoring
from training.scoring import pictures as pictures_module
from training.scoring import score
from training.scoring.pictures import CollectionError, open_collection

NUM_PICTURES = 40
LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


@pytest.fixture(autouse=True)
def forget_scorers() -> Iterator[None]:
    yield
    scoring.get_scorer.cache_clear()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of drawn faces, in two levels."""
    folder = tmp_path / "pictures"
    for number in range(NUM_PICTURES):
        path = folder / f"{number % 2}" / f"face-{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_face(seed=number).save(path)
    return folder


def make_words(source: Path, output: Path, *options: str, models: str = "baseline", detects: bool = False) -> list[str]:
    """A command that scores with small chunks."""
    whole = [] if detects else ["--whole-image"]
    return [str(source), str(output), "--chunk-size", "8", "--models", models, *whole, *options]


def run(source: Path, output: Path, *options: str, models: str = "baseline", detects: bool = False) -> pd.DataFrame:
    """Score in this process; the rows in the order of the collection."""
    score.main(make_words(source, output, *options, models=models, detects=detects))
    return read(output)


def read(output: Path) -> pd.DataFrame:
    return pd.read_parquet(output).sort_values("row", ignore_index=True)


# --- what there is to score ---


def test_collection_that_cannot_be_opened_gets_a_sentence(tmp_path: Path) -> None:
    write_parquet(tmp_path / "splits", {split: [(make_class_png(0), 0)] for split in ("train", "validation")})
    for folder in ("texts", "damaged"):
        (tmp_path / folder).mkdir()
    Dataset.from_dict({"text": ["a"]}).to_parquet(tmp_path / "texts" / "train.parquet")
    (tmp_path / "damaged" / "train.parquet").write_bytes(b"PAR1")
    for source, words in (
        ("/nothing/here", "There is no folder '/nothing/here'"),
        ("nobody/nothing", "neither from this disk nor from the Hub"),  # the tests are offline
        (tmp_path / "splits", "Choose one with --split: train, validation"),
        (tmp_path / "texts", "needs a column image that holds pictures; it has ['text']"),
        (tmp_path / "damaged", "cannot be loaded"),
    ):
        with pytest.raises(CollectionError, match=re.escape(words)):
            open_collection(str(source))


def test_files_of_a_list_come_in_its_order(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("1/face-03.png\n\n0/face-00.png\n0/missing.png\n1/face-03.png\n")
    rows = run(pictures, tmp_path / "scores", "--files", str(tmp_path / "list.txt"))
    assert rows["file"].tolist() == ["1/face-03.png", "0/face-00.png", "0/missing.png", "1/face-03.png"]
    assert rows["error"].notna().tolist() == [False, False, True, False]
    assert "There is no file" in rows["error"][2]
    (tmp_path / "windows.txt").write_text("0/face-00.png\n", encoding="utf-16")
    for name, words in (("no-list.txt", "No such file"), ("windows.txt", "windows.txt is no text in UTF-8")):
        assert words in exit_message(score.main, pictures, tmp_path / "other", "--files", tmp_path / name)


def test_what_systems_leave_in_folders_is_not_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """But a name that is no text is a row like any other."""
    folder = tmp_path / ".cache" / "faces"
    folder.mkdir(parents=True)
    score.main([str(folder), str(tmp_path / "nothing")])
    assert "0 rows, 0 of them with an error" in capsys.readouterr().out
    for name in ("a.png", ".DS_Store", "._a.png", "Thumbs.db", ".ipynb_checkpoints/a.png", "x/@eaDir/a.png", "x/b.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_face().save(folder / name, "PNG")
    shutil.copy(folder / "a.png", os.fsencode(folder) + b"/gr\xfc.png")
    (folder / "._train.parquet").write_bytes(b"x")
    rows = run(folder, tmp_path / "scores")
    assert sorted(rows["file"]) == ["a.png", "gr\\xfc.png", "x/b.png"]
    assert rows["error"].isna().all()


# --- what the rows hold ---


def test_whatever_one_face_raises_is_its_row_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once while it is read, and once when the models are asked."""
    (tmp_path / "faces").mkdir()
    for number in range(8):
        make_face(48 + number).save(tmp_path / "faces" / f"{number}.png")
    read_row, ask = pictures_module.Row.read, scoring.classify

    def read_but_one(row: pictures_module.Row) -> Image.Image:
        if row.number == 3:
            raise KeyError("nobody foresaw this")
        return read_row(row)

    def ask_but_one(found: list[Comparison], models: list[LoadedModel]) -> list[Comparison]:
        if 48 + 6 in [one.crop.width for one in found]:
            raise KeyError("nor this")
        return ask(found, models)

    monkeypatch.setattr(pictures_module.Row, "read", read_but_one)
    monkeypatch.setattr(scoring, "classify", ask_but_one)
    rows = run(tmp_path / "faces", tmp_path / "scores", "--batch-size", "4")
    assert rows["row"][rows["error"].notna()].tolist() == [3, 6]
    assert rows["baseline.winner"].isna().sum() == 2


def test_doubt_is_scored_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A face, nothing, and a horse that the models are sure of; and the face where the detector is not sure."""
    folder = tmp_path / "photos"
    folder.mkdir()
    portrait, _ = load_portraits()
    for name, image in {"a.png": portrait, "b.png": make_no_face(), "c.png": load_pictures()["horse.png"]}.items():
        image.save(folder / name)
    assert run(folder, tmp_path / "whole", models="baseline,dense")["sure"].tolist() == [True, False, False]
    detect = FaceDetector.detect
    monkeypatch.setattr(FaceDetector, "detect", lambda *args: [replace(face, score=0.7) for face in detect(*args)])
    assert run(folder, tmp_path / "found", detects=True)["sure"][0] is False


def test_answers_are_those_of_the_page(tmp_path: Path) -> None:
    """Also of batches, whose sums are in another order."""
    folder = tmp_path / "photos"
    folder.mkdir()
    load_portrait().save(folder / "a.png")
    make_no_face().save(folder / "b.png")
    (folder / "c.txt").write_text("no picture")
    rows = run(folder, tmp_path / "scores", models="baseline,dense", detects=True)
    comparison = compare(read_image(folder / "a.png"), load_models(("baseline", "dense")), FaceDetector())
    assert rows["faces"][0] == 1
    assert rows["box_xyxy"][0] == pytest.approx(comparison.faces[0].box_xyxy, abs=1e-3)
    asked = [(one.model, one.winner, one.probabilities) for one in comparison.predictions]
    for name, winner, probabilities in (*asked, ("average", comparison.favourite, comparison.average)):
        assert rows[f"{name}.winner"][0] == winner
        found = {label: rows[f"{name}.{label}"][0] for label in LABELS}
        assert found == pytest.approx(probabilities, abs=1e-5)
    assert rows["sure"][0] == comparison.is_sure
    assert rows["error"][1] == "No face was found."
    assert rows["faces"][1] == 0
    assert "not a picture" in rows["error"][2]
    assert rows.filter(regex=r"\.").loc[1:].isna().all(axis=None), "no answer where there is none"


def test_data_set_of_the_hub_is_scored_with_its_damaged_rows(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(encode_png(make_face(seed=seed)), 0) for seed in range(5)]
    rows[1], rows[2] = (rows[1][0][:100], 0), (b"", 0)
    folder = write_parquet(tmp_path / "faces", {"train": rows})
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # datasets asks without, as the true Hub lets it
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.endpoint)
    api = HfApi()
    api.create_repo("alice/faces", repo_type="dataset")
    api.upload_folder(repo_id="alice/faces", repo_type="dataset", folder_path=folder, path_in_repo="data")
    scores = run(Path("alice/faces"), tmp_path / "scores", "--split", "train")
    assert scores["row"].tolist() == list(range(5))
    assert scores["error"].notna().tolist() == [False, True, True, False, False]
    (model,) = load_models(["baseline"])
    assert scores["baseline.winner"][4] == predict(model, make_face(seed=4)).winner
    assert load_dataset(str(tmp_path / "scores"), split="train").num_rows == 5, "datasets reads the scores, too"


# --- interruptions ---


def test_interrupted_scoring_goes_on_with_what_is_missing(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    score_chunk = scoring.Scorer.score_chunk

    def score_until_interrupted(scorer: scoring.Scorer, chunk: int) -> Path:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(chunk)
        return score_chunk(scorer, chunk)

    with monkeypatch.context() as patch:
        patch.setattr(scoring.Scorer, "score_chunk", score_until_interrupted)
        assert "the same command does the rest" in exit_message(score.main, *make_words(pictures, tmp_path / "scores"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "scores").glob("part-*")}
    assert len(before) == 2
    rows = run(pictures, tmp_path / "scores")
    assert rows["row"].tolist() == list(range(NUM_PICTURES))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert run(pictures, tmp_path / "scores").equals(rows), "and once more there is nothing to do"
    assert rows.equals(run(pictures, tmp_path / "uninterrupted"))
    first, second = sorted((tmp_path / "scores").glob("part-*"))[:2]
    second.write_bytes(first.read_bytes())
    assert f"does not hold each of the {NUM_PICTURES} rows once" in exit_message(
        score.main, *make_words(pictures, tmp_path / "scores")
    )


def test_full_disk_and_a_machine_that_fails_leave_no_part(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that failed for the machine would never be scored again."""

    def write_half(table: object, path: Path) -> None:
        path.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    for module, name, fails, words in (
        (scoring.pq, "write_table", write_half, "error: [Errno 28] No space left on device. What was scored is kept"),
        (scoring, "classify", lambda *_: 1 / 0, "fail at every face"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fails)
            assert words in exit_message(score.main, *make_words(pictures, tmp_path / "scores"))
        assert [path.name for path in (tmp_path / "scores").iterdir()] == [score.JOB_FILE]
    assert run(pictures, tmp_path / "scores")["error"].isna().all()


@pytest.mark.slow
def test_killed_scoring_goes_on(pictures: Path, tmp_path: Path) -> None:
    words = make_words(pictures, tmp_path / "scores", "--chunk-size", "4")
    command = Command("training.scoring.score", words)
    while command.is_running and not list((tmp_path / "scores").glob("part-*")):
        time.sleep(0.005)
    command.send_signal(signal.SIGKILL)
    command.wait()
    assert 1 <= len(list((tmp_path / "scores").glob("part-*"))) < NUM_PICTURES / 4
    (tmp_path / "scores" / ".part-000001.parquet.0123").write_bytes(b"PAR1")  # what a kill may leave
    score.main(words)
    assert read(tmp_path / "scores")["row"].tolist() == list(range(NUM_PICTURES))
    assert not list((tmp_path / "scores").glob(".*"))


# --- refusals ---


def test_another_job_in_the_same_folder_is_refused(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is there stays. Which files are read, and which only looked at, is no matter."""
    output = tmp_path / "scores"
    run(pictures, output)
    before = {path: path.read_bytes() for path in output.iterdir()}

    def refuse(changed: str, *options: str, detects: bool = False) -> None:
        message = exit_message(score.main, *make_words(pictures, output, *options, detects=detects))
        assert f"another job (other {changed}). Choose another folder." in message
        assert {path: path.read_bytes() for path in output.iterdir()} == before

    refuse("detect", detects=True)
    refuse("chunk_size", "--chunk-size", "4")
    refuse("models", "--models", "dense")
    for number, path in enumerate(sorted(pictures.rglob("*.png"))[:3]):
        changed, content = path.stat(), path.read_bytes()
        path.write_bytes(encode_png(make_face(seed=100 + number)))
        refuse("contents")
        path.write_bytes(content)
        os.utime(path, ns=(changed.st_atime_ns, changed.st_mtime_ns))
    run(pictures, output)
    with monkeypatch.context() as patch:
        weights = shutil.copytree(checkpoint_dir("baseline"), tmp_path / "zoo" / checkpoint_dir("baseline").name)
        with (weights / "model.safetensors").open("ab") as file:
            file.write(b" ")
        patch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path / "zoo")
        refuse("models")
    make_face().save(pictures / "new.png")
    refuse("rows, names, contents")


@pytest.mark.parametrize("kind", ["png", "bmp", "data set"])
def test_pictures_of_another_camera_are_another_job_but_not_those_at_another_path(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named like the first one's, and all of one size, and of one date: they used to be taken for scored."""
    for camera in (1, 2):
        folder = tmp_path / f"camera-{camera}"
        folder.mkdir()
        faces = [make_face(seed=10 * camera + number) for number in range(3)]
        if kind == "data set":
            write_parquet(folder, {"train": [(encode_png(face).ljust(9000, b" "), 0) for face in faces]})
            continue
        for number, face in enumerate(faces):
            face.save(folder / f"{number}.{kind}")
            if kind == "bmp":  # as raw frames out of an archive are
                os.utime(folder / f"{number}.bmp", (1e9, 1e9))
    rows = run(tmp_path / "camera-1", tmp_path / "scores", "--chunk-size", "2")
    words = make_words(tmp_path / "camera-2", tmp_path / "scores", "--chunk-size", "2")
    assert "another job (other contents). Choose another folder." in exit_message(score.main, *words)
    (tmp_path / "scores" / "part-000001.parquet").unlink()
    (tmp_path / "camera-1").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    assert run(Path("moved"), Path("scores"), "--chunk-size", "2").equals(rows)


def test_job_goes_on_with_the_same_weights_from_elsewhere(
    pictures: Path, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun with the Hub's copy, whose folder is named after a commit: it used to be refused without the Hub."""
    folder = checkpoint_dir("baseline")
    revision, repository, api = make_fixed_revision(folder), "alice/fer-baseline", HfApi()
    api.create_repo(repository)
    files = [*MODEL_FILES, "results.json"]
    api.upload_folder(repo_id=repository, folder_path=folder, allow_patterns=files)
    api.create_tag(repository, tag=revision)
    with monkeypatch.context() as patch:
        patch.setenv(zoo.NAMESPACE_VARIABLE, "alice")
        rows = run(pictures, tmp_path / "scores")
    assert hub.count("GET", f"/revision/{revision}$") > 0
    assert json.loads((tmp_path / "scores" / score.JOB_FILE).read_text())["models"] == {"baseline": revision}
    (tmp_path / "scores" / "part-000001.parquet").unlink()
    assert run(pictures, tmp_path / "scores").equals(rows)


def test_wrong_arguments_get_a_sentence(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds something else" in exit_message(score.main, pictures, tmp_path)
    assert "Choose a folder outside of it." in exit_message(score.main, pictures, pictures / "scores")
    assert "no model 'resnet'" in exit_message(score.main, pictures, tmp_path / "scores", "--models", "resnet")
    with pytest.raises(SystemExit, match="2"):
        score.main([str(pictures), str(tmp_path / "scores"), "--batch-size", "0"])
    assert "--batch-size: expected a whole number of at least 1, got '0'" in capsys.readouterr().err
    assert not list(tmp_path.rglob("scores"))


# --- a cluster ---


def is_at_work(node: Any) -> bool:
    """Whether a process of a node is scoring; Ray names its processes after what they do."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return any(child.cmdline()[:1] and child.cmdline()[0].startswith("ray::Map") for child in raylet.children())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'ray[data]'")
def test_a_machine_of_a_ray_cluster_dies_and_nothing_is_lost(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers with one core each; one of them, with all its processes, is killed while both are at work."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # Ray's 15 waits for ever on a machine that is busy otherwise
    from ray.cluster_utils import Cluster

    output = tmp_path / "scores"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        workers = [cluster.add_node(num_cpus=1) for _ in range(2)]
        cluster.wait_for_nodes()
        options = ["--whole-image", "--chunk-size", "1", "--ray"]
        command = [sys.executable, "-m", "training.scoring.score", str(pictures), str(output), *options]
        environment = os.environ | {"RAY_ADDRESS": cluster.address}
        process = subprocess.Popen(command, cwd=REPO_ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        while process.poll() is None and not (all(map(is_at_work, workers)) and any(output.glob("part-*"))):
            time.sleep(0.05)
        cluster.remove_node(workers[0], allow_graceful=False)
        done = len(list(output.glob("part-*")))
        assert process.poll() is None
        assert done < NUM_PICTURES, "it died in the midst of the work"
        out, _ = process.communicate(timeout=600)
    finally:
        cluster.shutdown()
    assert process.returncode == 0
    assert f"{NUM_PICTURES} rows, 0 of them with an error" in out
    rows = read(output)
    assert rows["row"].tolist() == list(range(NUM_PICTURES))
    models = json.loads((output / score.JOB_FILE).read_text())["models"]
    expected = run(pictures, tmp_path / "here", models=",".join(models))
    pd.testing.assert_frame_equal(rows, expected, rtol=1e-4)
