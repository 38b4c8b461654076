from typing import Any

from conftest import encode_png, make_face
from datasets import ClassLabel, Dataset, Features, List, Value
from datasets import Image as ImageFeature

from fer_models.configuration_fer import FER_LABELS
from training.evaluation.subsets import drop_duplicates, keep_agreed


def make_rows(images: list[bytes], labels: list[str], votes: list[Any] | None = None) -> Dataset:
    columns = {
        "image": [{"bytes": png, "path": None} for png in images],
        "label": [FER_LABELS.index(label) for label in labels],
        "file_name": [f"im{index}.png" for index in range(len(images))],
    }
    features = {"image": ImageFeature(), "label": ClassLabel(names=list(FER_LABELS)), "file_name": Value("string")}
    if votes is not None:
        columns, features = columns | {"ferplus_votes": votes}, features | {"ferplus_votes": List(Value("int8"))}
    return Dataset.from_dict(columns, features=Features(features))


FACES = [encode_png(make_face(seed=seed)) for seed in range(3)]


def test_copies_are_found_by_their_pixels():
    for rows, originals, left in (
        ([], FACES, []),
        (FACES, [], ["im0.png", "im1.png", "im2.png"]),
        (FACES, [FACES[1]], ["im0.png", "im2.png"]),
        ([FACES[0] + b"other bytes, same pixels", FACES[1]], [FACES[0]], ["im1.png"]),
    ):
        kept = drop_duplicates(make_rows(rows, ["sad"] * len(rows)), make_rows(originals, ["happy"] * len(originals)))
        assert kept["file_name"][:] == left


def test_agreed_are_those_with_most_votes():
    for label, votes, is_kept in (
        ("happy", None, False),  # FER+ does not know the picture
        ("happy", [0, 6, 0, 0, 0, 0, 0, 0, 0, 4], True),
        ("happy", [0, 5, 5, 0, 0, 0, 0, 0, 0, 0], False),  # half is not most
        ("neutral", [0, 6, 0, 0, 0, 0, 0, 0, 0, 4], False),
        ("surprise", [0, 0, 6, 4, 0, 0, 0, 0, 0, 0], True),
        ("sad", [0, 0, 4, 6, 0, 0, 0, 0, 0, 0], True),
        ("angry", [0, 0, 0, 0, 6, 4, 0, 0, 0, 0], True),
        ("disgust", [0, 0, 0, 0, 0, 6, 4, 0, 0, 0], True),
        ("fear", [0, 0, 0, 0, 0, 0, 6, 4, 0, 0], True),
    ):
        # A second row with votes, so that the column has its type where the first has none.
        rows = make_rows(FACES[:2], [label, "neutral"], [votes, [10, *[0] * 9]])
        assert keep_agreed(rows)["file_name"][:] == (["im0.png", "im1.png"] if is_kept else ["im1.png"]), label
    assert len(keep_agreed(make_rows(FACES, ["sad"] * 3))) == 0, "without votes"
