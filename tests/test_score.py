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

import pandas as pd
import psutil
import pytest
from conftest import encode_png, exit_message, make_class_png, make_face, write_parquet
from datasets import Dataset, load_dataset
from hub_server import HubServer
from huggingface_hub import HfApi, constants
from photos import load_portrait, make_no_face, portrait_path
from PIL import Image
from processes import Command

from fer_models import zoo
from fer_models.comparison import Comparison
from fer_models.faces import FaceDetector
from fer_models.hub import NETWORK_FILES, make_fixed_revision
from fer_models.images import read_image
from fer_models.inference import LoadedModel, compare, load_models, predict
from fer_models.zoo import checkpoint_dir
from training.evaluation.made_photos import load_pictures, load_portraits
from training.scoring import chunks as scoring
from training.scoring import pictures as pictures_module
from training.scoring import score
from training.scoring.pictures import CollectionError, open_collection

ROOT = Path(__file__).parents[1]
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


SCORE = [sys.executable, "-m", "training.scoring.score", "--whole-image"]


def run(
    source: Path, output: Path, *options: str, whole_image: bool = True, models: tuple[str, ...] = ("baseline",)
) -> pd.DataFrame:
    """Score in this process; the rows in the order of the collection."""
    words = [*options, *(["--whole-image"] if whole_image else [])]
    score.main([str(source), str(output), "--chunk-size", "8", "--models", ",".join(models), *words])
    return read(output)


def read(output: Path) -> pd.DataFrame:
    return pd.read_parquet(output).sort_values("row", ignore_index=True)


# --- what there is to score ---


def test_empty_folder_has_no_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nothing").mkdir()
    score.main([str(tmp_path / "nothing"), str(tmp_path / "scores")])
    assert "0 rows, 0 of them with an error" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "/nothing/here"}, "There is no folder '/nothing/here'"),
        ({"source": "nobody/nothing"}, "neither from this disk nor from the Hub"),  # the tests are offline
        ({"source": "splits"}, "Choose one with --split: train, validation"),
        ({"source": "splits", "split": "test"}, "test"),
        ({"source": "texts"}, "needs a column image that holds pictures; it has ['text']"),
        ({"source": "damaged"}, "cannot be loaded"),
    ],
)
def test_collection_that_cannot_be_opened_gets_a_sentence(
    options: dict[str, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_parquet(tmp_path / "splits", {split: [(make_class_png(0), 0)] for split in ("train", "validation")})
    for folder in ("texts", "damaged"):
        (tmp_path / folder).mkdir()
    Dataset.from_dict({"text": ["a"]}).to_parquet(tmp_path / "texts" / "train.parquet")
    (tmp_path / "damaged" / "train.parquet").write_bytes(b"PAR1")
    with pytest.raises(CollectionError, match=re.escape(words)):
        open_collection(**options)


def test_a_name_that_is_no_text_is_a_row_like_any_other(pictures: Path, tmp_path: Path) -> None:
    shutil.copy(next(pictures.rglob("*.png")), os.fsencode(pictures) + b"/gr\xfc.png")
    rows = run(pictures, tmp_path / "scores")
    assert rows["error"][rows["file"] == "gr\\xfc.png"].isna().tolist() == [True]


def test_files_of_a_list_come_in_its_order(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("1/face-03.png\n\n0/face-00.png\n0/missing.png\n1/face-03.png\n")
    rows = run(pictures, tmp_path / "scores", "--files", str(tmp_path / "list.txt"))
    assert rows["file"].tolist() == ["1/face-03.png", "0/face-00.png", "0/missing.png", "1/face-03.png"]
    assert rows["error"].notna().tolist() == [False, False, True, False]
    assert "There is no file" in rows["error"][2]
    assert "No such file" in exit_message(score.main, pictures, tmp_path / "other", "--files", "no-list.txt")
    (tmp_path / "windows.txt").write_text("0/face-00.png\n", encoding="utf-16")
    assert "windows.txt is no text in UTF-8" in exit_message(
        score.main, pictures, tmp_path / "other", "--files", tmp_path / "windows.txt"
    )


def test_what_systems_leave_in_folders_is_not_scored(tmp_path: Path) -> None:
    folder = tmp_path / ".cache" / "faces"
    for name in ("a.png", ".DS_Store", "._a.png", "Thumbs.db", ".ipynb_checkpoints/a.png", "x/@eaDir/a.png", "x/b.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_face().save(folder / name, "PNG")
    (folder / "._train.parquet").write_bytes(b"x")
    assert run(folder, tmp_path / "scores")["file"].tolist() == ["a.png", "x/b.png"]


# --- what the rows hold ---


def test_whatever_one_of_a_hundred_faces_raises_is_its_row_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once while it is read, and once when the models are asked."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(100):
        make_face(48 + number).save(folder / f"{number:02}.png")
    read_row, ask = pictures_module.Row.read, scoring.classify

    def read_but_one(row: pictures_module.Row) -> Image.Image:
        if row.number == 30:
            raise KeyError("nobody foresaw this")
        return read_row(row)

    def ask_but_one(found: list[Comparison], models: list[LoadedModel]) -> list[Comparison]:
        if any(one.crop and one.crop.width == 48 + 60 for one in found):
            raise KeyError("nor this")
        return ask(found, models)

    monkeypatch.setattr(pictures_module.Row, "read", read_but_one)
    monkeypatch.setattr(scoring, "classify", ask_but_one)
    rows = run(folder, tmp_path / "scores")
    assert rows["row"][rows["error"].notna()].tolist() == [30, 60]
    assert rows["baseline.winner"].isna().sum() == 2


def test_a_machine_that_fails_is_no_fault_of_the_faces(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows would never be scored again."""
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "classify", lambda *_: 1 / 0)
        assert "fail at every face" in exit_message(
            score.main, pictures, tmp_path / "scores", "--chunk-size", "8", "--models", "baseline", "--whole-image"
        )
    assert run(pictures, tmp_path / "scores")["error"].isna().all()


def test_doubt_is_scored_too(tmp_path: Path) -> None:
    """A face, nothing, and a horse that the models are sure of."""
    folder = tmp_path / "photos"
    folder.mkdir()
    portrait, _ = load_portraits()
    for name, image in {"a.png": portrait, "b.png": make_no_face(), "c.png": load_pictures()["horse.png"]}.items():
        image.save(folder / name)
    rows = run(folder, tmp_path / "scores", models=("baseline", "dense"))
    assert rows["sure"].tolist() == [True, False, False]


def test_a_doubtful_face_is_not_sure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    load_portrait().save(folder / "a.png")
    assert run(folder, tmp_path / "before", whole_image=False)["sure"].tolist() == [True]
    scoring.get_scorer.cache_clear()
    detect = FaceDetector.detect
    monkeypatch.setattr(FaceDetector, "detect", lambda *args: [replace(face, score=0.7) for face in detect(*args)])
    assert run(folder, tmp_path / "after", whole_image=False)["sure"].tolist() == [False]


def test_answers_are_those_of_the_page(tmp_path: Path) -> None:
    """Also of batches, whose sums are in another order."""
    folder = tmp_path / "photos"
    folder.mkdir()
    load_portrait().save(folder / "a.png")
    (folder / "b.jpg").write_bytes(portrait_path().read_bytes())
    make_no_face().save(folder / "c.png")
    (folder / "d.txt").write_text("no picture")
    names = ("baseline", "dense")
    rows = run(folder, tmp_path / "scores", whole_image=False, models=names)
    models = load_models(names)
    for number in (0, 1):
        comparison = compare(read_image(folder / rows["file"][number]), models, FaceDetector())
        assert rows["faces"][number] == 1
        assert rows["box_xyxy"][number] == pytest.approx(comparison.faces[0].box_xyxy, abs=1e-3)
        for prediction in comparison.predictions:
            assert rows[f"{prediction.model}.winner"][number] == prediction.winner
            found = {label: rows[f"{prediction.model}.{label}"][number] for label in LABELS}
            assert found == pytest.approx(prediction.probabilities, abs=1e-5)
        assert rows["average.winner"][number] == comparison.favourite
        assert {label: rows[f"average.{label}"][number] for label in LABELS} == pytest.approx(
            comparison.average, abs=1e-5
        )
    assert rows["error"][2] == "No face was found."
    assert rows["faces"][2] == 0
    assert "not a picture" in rows["error"][3]
    assert rows.filter(regex=r"\.").loc[2:].isna().all(axis=None), "no answer where there is none"


def test_data_set_is_scored_with_its_damaged_rows(tmp_path: Path) -> None:
    rows = [(encode_png(make_face(seed=seed)), 0) for seed in range(10)]
    rows[3] = (rows[3][0][:100], 0)
    rows[4] = (b"", 0)
    scores = run(write_parquet(tmp_path / "faces", {"train": rows}), tmp_path / "scores")
    assert scores["row"].tolist() == list(range(10))
    assert scores["error"].notna().tolist() == [number in (3, 4) for number in range(10)]
    (model,) = load_models(["baseline"])
    assert scores["baseline.winner"][9] == predict(model, make_face(seed=9)).winner
    assert load_dataset(str(tmp_path / "scores"), split="train").num_rows == 10, "datasets reads the scores, too"


def test_data_set_of_the_hub_is_scored(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_parquet(tmp_path / "faces", {"train": [(encode_png(make_face(seed=seed)), 0) for seed in range(5)]})
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # datasets asks without, as the true Hub lets it
    api = HfApi()
    api.create_repo("alice/faces", repo_type="dataset")
    api.upload_folder(repo_id="alice/faces", repo_type="dataset", folder_path=folder, path_in_repo="data")
    settings = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_") or name == "HF_TOKEN"}
    command = [
        sys.executable,
        "-m",
        "training.scoring.score",
        "alice/faces",
        str(tmp_path / "scores"),
        "--models",
        "baseline",
        "--whole-image",
    ]
    subprocess.run([*command, "--split", "train"], cwd=ROOT, env=kept | settings, check=True)
    scores = read(tmp_path / "scores")
    (model,) = load_models(["baseline"])
    assert scores["baseline.winner"].tolist() == [predict(model, make_face(seed=seed)).winner for seed in range(5)]


# --- interruptions ---


def test_interrupted_scoring_goes_on_with_what_is_missing(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[int] = []
    score_chunk = scoring.Scorer.score_chunk

    def score_until_interrupted(scorer: scoring.Scorer, chunk: int) -> Path:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(chunk)
        return score_chunk(scorer, chunk)

    arguments = (pictures, tmp_path / "scores", "--chunk-size", "8", "--models", "baseline", "--whole-image")
    with monkeypatch.context() as patch:
        patch.setattr(scoring.Scorer, "score_chunk", score_until_interrupted)
        assert "the same command does the rest" in exit_message(score.main, *arguments)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "scores").glob("part-*")}
    assert len(before) == 2
    rows = run(pictures, tmp_path / "scores")
    assert rows["row"].tolist() == list(range(NUM_PICTURES))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    capsys.readouterr()
    assert run(pictures, tmp_path / "scores").equals(rows), "and once more there is nothing to do"
    assert rows.equals(run(pictures, tmp_path / "uninterrupted"))


def test_full_disk_leaves_no_half_of_a_part(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_half(table: object, path: Path) -> None:
        path.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(scoring.pq, "write_table", write_half)
        message = exit_message(score.main, pictures, tmp_path / "scores", "--models", "baseline")
    assert message.startswith("error: [Errno 28] No space left on device. What was scored is kept")
    assert [path.name for path in (tmp_path / "scores").iterdir()] == [score.JOB_FILE]


@pytest.mark.slow
def test_killed_scoring_goes_on(pictures: Path, tmp_path: Path) -> None:
    """Killed twice, each time in the midst of it."""
    words = [pictures, tmp_path / "scores", "--whole-image", "--chunk-size", "4"]
    for num_parts in (1, 3):
        command = Command("training.scoring.score", words)
        while command.is_running and len(list((tmp_path / "scores").glob("part-*"))) < num_parts:
            time.sleep(0.005)
        command.send_signal(signal.SIGKILL)
        command.wait()
        assert num_parts <= len(list((tmp_path / "scores").glob("part-*"))) < NUM_PICTURES / 4
    (tmp_path / "scores" / ".part-000001.parquet.0123").write_bytes(b"PAR1")  # what a kill may leave
    score.main([*map(str, words)])
    assert read(tmp_path / "scores")["row"].tolist() == list(range(NUM_PICTURES))
    assert not list((tmp_path / "scores").glob(".*"))


# --- refusals ---


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ([], "detect"),
        (["--whole-image", "--chunk-size", "4"], "chunk_size"),
        (["--whole-image", "--models", "dense"], "models"),
    ],
)
def test_another_job_in_the_same_folder_is_refused(
    options: list[str], changed: str, pictures: Path, tmp_path: Path
) -> None:
    arguments = [pictures, tmp_path / "scores", "--models", "baseline", "--chunk-size", "8"]
    run(pictures, tmp_path / "scores")
    assert f"another job (other {changed}). Choose another folder." in exit_message(score.main, *arguments, *options)
    make_face().save(pictures / "new.png")
    assert "another job (other rows, names, contents)" in exit_message(score.main, *arguments, "--whole-image")


@pytest.mark.parametrize(
    ("suffix", "changed_s"),
    [
        pytest.param("png", None, id="each file has its own size and date"),
        pytest.param("bmp", 1e9, id="raw frames out of an archive: all have one size and date"),
    ],
)
def test_files_of_another_folder_are_another_job(suffix: str, changed_s: float | None, tmp_path: Path) -> None:
    """A second camera's, named like the first one's: they used to be taken for scored."""
    for camera in (1, 2):
        (tmp_path / f"camera-{camera}").mkdir()
        for number in range(3):
            path = tmp_path / f"camera-{camera}" / f"{number}.{suffix}"
            make_face(seed=10 * camera + number).save(path)
            if changed_s is not None:
                os.utime(path, (changed_s, changed_s))
    run(tmp_path / "camera-1", tmp_path / "scores")
    assert_another_job(tmp_path / "camera-2", tmp_path / "scores")


def test_another_data_set_is_another_job(tmp_path: Path) -> None:
    """Also with as many rows and bytes as the first."""
    for camera in (1, 2):
        pngs = [encode_png(make_face(seed=10 * camera + number)).ljust(9000, b" ") for number in range(3)]
        write_parquet(tmp_path / f"camera-{camera}", {"train": [(png, 0) for png in pngs]})
    run(tmp_path / "camera-1", tmp_path / "scores")
    assert_another_job(tmp_path / "camera-2", tmp_path / "scores")


def test_files_that_have_changed_are_another_job(pictures: Path, tmp_path: Path) -> None:
    """Which files are read, and which only looked at, is no matter."""
    run(pictures, tmp_path / "scores")
    for number, path in enumerate(sorted(pictures.rglob("*.png"))[:3]):
        changed, content = path.stat(), path.read_bytes()
        path.write_bytes(encode_png(make_face(seed=100 + number)))
        assert_another_job(pictures, tmp_path / "scores")
        path.write_bytes(content)
        os.utime(path, ns=(changed.st_atime_ns, changed.st_mtime_ns))
    run(pictures, tmp_path / "scores")


def assert_another_job(source: Path, output: Path) -> None:
    """Refused, and what is there stays."""
    before = {path: path.read_bytes() for path in output.iterdir()}
    message = exit_message(score.main, source, output, "--models", "baseline", "--whole-image", "--chunk-size", "8")
    assert "another job (other contents). Choose another folder." in message
    assert {path: path.read_bytes() for path in output.iterdir()} == before


@pytest.mark.parametrize("kind", ["files", "data set"])
def test_the_same_collection_by_another_path_goes_on(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = [make_face(seed=seed) for seed in range(10)]
    (tmp_path / "faces").mkdir()
    for number, face in enumerate(faces):
        face.save(tmp_path / "faces" / f"{number}.png")
    if kind == "data set":
        write_parquet(tmp_path / "faces", {"train": [(encode_png(face), 0) for face in faces]})
    rows = run(tmp_path / "faces", tmp_path / "scores")
    (tmp_path / "scores" / "part-000001.parquet").unlink()
    monkeypatch.chdir(tmp_path)
    assert run(Path("faces"), Path("scores")).equals(rows)
    (tmp_path / "link").symlink_to("faces")
    assert run(tmp_path / "link", tmp_path / "scores").equals(rows)
    (tmp_path / "faces").rename(tmp_path / "moved")
    assert run(tmp_path / "moved", tmp_path / "scores").equals(rows)


def test_job_goes_on_with_the_same_weights_from_elsewhere(
    pictures: Path, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun with the Hub's copy, whose folder is named after a commit: it used to be refused without the Hub."""
    revision = make_fixed_revision(checkpoint_dir("baseline"))
    api = HfApi()
    api.create_repo("alice/fer-baseline")
    api.upload_folder(
        repo_id="alice/fer-baseline",
        folder_path=checkpoint_dir("baseline"),
        allow_patterns=[*NETWORK_FILES, "results.json"],
    )
    api.create_tag("alice/fer-baseline", tag=revision)
    with monkeypatch.context() as patch:
        patch.setenv(zoo.NAMESPACE_VARIABLE, "alice")
        rows = run(pictures, tmp_path / "scores")
    assert hub.count("GET", f"/revision/{revision}$") > 0
    assert json.loads((tmp_path / "scores" / score.JOB_FILE).read_text())["models"] == {"baseline": revision}
    (tmp_path / "scores" / "part-000001.parquet").unlink()
    assert run(pictures, tmp_path / "scores").equals(rows)


def test_other_weights_of_the_same_name_are_another_job(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pictures, tmp_path / "scores")
    directory = shutil.copytree(checkpoint_dir("baseline"), tmp_path / "checkpoints" / checkpoint_dir("baseline").name)
    with (directory / "model.safetensors").open("ab") as file:
        file.write(b" ")
    monkeypatch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path / "checkpoints")
    message = exit_message(
        score.main, pictures, tmp_path / "scores", "--models", "baseline", "--whole-image", "--chunk-size", "8"
    )
    assert "another job (other models). Choose another folder." in message


def test_wrong_arguments_get_a_sentence(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "holds something else" in exit_message(score.main, pictures, tmp_path)
    assert "Choose a folder outside of it." in exit_message(score.main, pictures, pictures / "scores")
    assert "no model 'resnet'" in exit_message(score.main, pictures, tmp_path / "scores", "--models", "resnet")
    with pytest.raises(SystemExit, match="2"):
        score.main([str(pictures), str(tmp_path / "scores"), "--batch-size", "0"])
    assert "--batch-size: expected a whole number of at least 1, got '0'" in capsys.readouterr().err
    assert not list(tmp_path.rglob("scores"))


def test_lost_and_doubled_rows_would_be_seen(pictures: Path, tmp_path: Path) -> None:
    run(pictures, tmp_path / "scores")
    first, second = sorted((tmp_path / "scores").glob("part-*"))[:2]
    second.write_bytes(first.read_bytes())
    message = exit_message(
        score.main, pictures, tmp_path / "scores", "--models", "baseline", "--whole-image", "--chunk-size", "8"
    )
    assert "does not hold each of the 40 rows once" in message


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
        environment = os.environ | {"RAY_ADDRESS": cluster.address}
        command = [
            sys.executable,
            "-m",
            "training.scoring.score",
            str(pictures),
            str(output),
            "--whole-image",
            "--chunk-size",
            "1",
            "--ray",
        ]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
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
    expected = run(pictures, tmp_path / "here", models=tuple(models))
    pd.testing.assert_frame_equal(rows, expected, rtol=1e-4)
