"""Scoring a collection in chunks, each written in one piece: in this process, or on a Ray cluster."""

import functools
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from fer_models.batch import attempt
from fer_models.comparison import Comparison
from fer_models.faces import FaceDetector
from fer_models.images import MAX_PIXELS, ImageError, NoFaceError
from fer_models.inference import classify, find_faces, load_models

from .. import ROOT
from .pictures import Row, open_collection


@dataclass(frozen=True)
class Job:
    """What is to be done, the same in every process and on every machine.

    Attributes:
        source: See `pictures.open_collection`, as `files` and `split`.
        output: The folder that the parts are written to.
        models: Names in the zoo.
        tag: The tag; None for the one that `zoo.TAGS` prefers.
        detect: Find the largest face in each picture; else the whole picture is taken for the face.
        chunk_size: Pictures in a part; each part is written in one piece.
        batch_size: Pictures that go through a model at once.
    """

    source: str
    output: str
    models: tuple[str, ...]
    files: str | None = None
    split: str | None = None
    tag: str | None = None
    detect: bool = False
    chunk_size: int = 1024
    batch_size: int = 32

    def get_part(self, chunk: int) -> Path:
        return Path(self.output) / f"part-{chunk:06}.parquet"


class Scorer:
    """Scores the chunks of a collection. Models and collection are opened once."""

    def __init__(self, job: Job):
        self._job = job
        self._collection = open_collection(job.source, job.files, job.split)
        self._models = load_models(job.models, job.tag)
        if torch.cuda.is_available():
            for model in self._models:
                model.model.to("cuda")  # type: ignore[arg-type]
        self._detector = FaceDetector()
        self._schema = make_schema(job, self._models[0].labels)

    def score_chunk(self, chunk: int) -> Path:
        """Score a chunk and write its part in one piece; nothing is done if the part is there already."""
        part = self._job.get_part(chunk)
        if part.is_file():
            return part
        start = chunk * self._job.chunk_size
        numbers = range(start, min(start + self._job.chunk_size, len(self._collection)))
        rows = [row for batch in self._make_batches(numbers) for row in self._predict(batch)]
        unfinished = part.with_name(f".{part.name}.{uuid.uuid4().hex}")  # hidden from those who read the folder
        try:
            pq.write_table(pa.Table.from_pylist(rows, self._schema), unfinished)
            os.replace(unfinished, part)
        finally:
            unfinished.unlink(missing_ok=True)
        return part

    def _make_batches(self, numbers: range) -> Iterator[list[tuple[dict[str, Any], Comparison | None]]]:
        """Rows with their faces, None where there is none; a batch of huge pictures holds fewer."""
        batch: list[tuple[dict[str, Any], Comparison | None]] = []
        pixels = 0
        for picture in self._collection.get_rows(numbers):
            row: dict[str, Any] = {"row": picture.number, "file": picture.name}
            found = attempt(self._find_face, picture)
            if isinstance(found, ImageError):
                row |= {"error": str(found)} | ({"faces": 0} if isinstance(found, NoFaceError) else {})
                batch.append((row, None))
            else:
                batch.append((row | _describe_face(found), found))
                pixels += found.crop.width * found.crop.height if found.crop else 0
            if len(batch) == self._job.batch_size or pixels > MAX_PIXELS:
                yield batch
                batch, pixels = [], 0
        yield batch

    def _find_face(self, picture: Row) -> Comparison:
        return find_faces(picture.read(), self._detector, whole_image=not self._job.detect, face_index=0)[0]

    def _predict(self, batch: list[tuple[dict[str, Any], Comparison | None]]) -> Iterator[dict[str, Any]]:
        answers = self._ask_one_by_one([found for _, found in batch if found])
        for row, found in batch:
            if found:
                answer = next(answers)
                row |= {"error": str(answer)} if isinstance(answer, ImageError) else answer
            yield row

    def _ask_one_by_one(self, found: list[Comparison]) -> Iterator[dict[str, Any] | ImageError]:
        """All at once, or each alone if that fails: a face costs the others nothing.

        Raises:
            RuntimeError: Each of several fails, so the machine does.
        """
        answers = attempt(self._ask, found)
        if not isinstance(answers, ImageError):
            return iter(answers)
        alone = [attempt(lambda: self._ask([one])[0]) for one in found]  # noqa: B023  called at once
        if len(alone) > 1 and all(isinstance(answer, ImageError) for answer in alone):
            raise RuntimeError(f"The models fail at every face: {answers}")
        return iter(alone)

    def _ask(self, found: list[Comparison]) -> list[dict[str, Any]]:
        """The columns of each face's answers."""
        rows = []
        for comparison in classify(found, self._models):
            row = make_columns("average", comparison.favourite, comparison.average) | {"sure": comparison.is_sure}
            for prediction in comparison.predictions:
                row |= make_columns(prediction.model, prediction.winner, prediction.probabilities)
            rows.append(row)
        return rows


def _describe_face(found: Comparison) -> dict[str, Any]:
    if found.face is None:
        return {}
    return {"faces": len(found.faces), "box_xyxy": list(found.face.box_xyxy), "score": found.face.score}


def make_columns(name: str, winner: str | None, probabilities: dict[str, float]) -> dict[str, Any]:
    return {f"{name}.winner": winner} | {f"{name}.{label}": value for label, value in probabilities.items()}


def make_schema(job: Job, labels: list[str]) -> pa.Schema:
    """The columns of a part: `row`, `file`, `error`; with `detect` the number of `faces`, and the largest one's
    `box_xyxy` in pixels and `score` in [0, 1]; for each model and for `average` the winner and each label's
    probability, in [0, 1]; `sure`, false where the average should not be believed."""
    fields = [("row", pa.int64()), ("file", pa.string()), ("error", pa.string())]
    if job.detect:
        fields += [("faces", pa.int32()), ("box_xyxy", pa.list_(pa.float32(), 4)), ("score", pa.float32())]
    for name in (*job.models, "average"):
        fields += [(f"{name}.winner", pa.string()), *((f"{name}.{label}", pa.float32()) for label in labels)]
    return pa.schema([*fields, ("sure", pa.bool_())])


@functools.cache
def get_scorer(job: Job) -> Scorer:
    """The scorer of this process; a process on a cluster is asked for one chunk after the other."""
    return Scorer(job)


def score_here(job: Job, chunks: list[int]) -> Iterator[int]:
    for chunk in chunks:
        get_scorer(job).score_chunk(chunk)
        yield chunk


def score_on_ray(job: Job, chunks: list[int]) -> Iterator[int]:
    """Score chunks on a Ray cluster: each is a task of its own, which goes to another worker if one is lost.

    The cluster is the one that RAY_ADDRESS or `ray start` names, else this machine. Each machine must see the
    collection, the output and this code under the same paths.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    import ray

    ray.init(runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}}, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    num_gpus = 1 if ray.cluster_resources().get("GPU") else 0

    def score(row: dict[str, Any]) -> dict[str, Any]:
        get_scorer(job).score_chunk(row["item"])
        return row

    try:
        scored = ray.data.from_items(chunks, override_num_blocks=len(chunks)).map(score, num_gpus=num_gpus)
        yield from (row["item"] for row in scored.iter_rows())
    finally:
        ray.shutdown()
