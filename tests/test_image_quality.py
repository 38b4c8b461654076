from typing import Any

import numpy as np
import pytest
from conftest import make_face
from photos import load_portrait

from fer_models.inference import load_models
from fer_models.quality import RULES
from training.evaluation.image_quality import (
    ANGLES,
    FLAWS,
    FOUND,
    choose_limit,
    measure_flaws,
    measure_found,
    sort_into_bins,
)
from training.publishing.records import load_measured


def make_bins(*accuracies: float) -> list[dict[str, Any]]:
    return [{"value": float(i), "accuracy": accuracy} for i, accuracy in enumerate(accuracies)]


def test_the_limit_is_the_mildest_from_which_on_all_is_bad() -> None:
    for accuracies, limit in (
        ((), None),
        ((0.6, 0.6), None),  # no fall
        ((0.2, 0.4, 0.6), 1.0),
        ((0.2, 0.55, 0.3), 0.0),  # a bad bin beyond a good one is chance
    ):
        assert choose_limit(make_bins(*accuracies), accuracy=0.6) == limit


def test_bins_start_with_the_worst_and_keep_equal_values_together() -> None:
    values, right = np.array([3.0, 1, 3, 9, 2, 3]), np.array([1, 0, 0, 1, 1, 0], bool)
    for is_floor, expected in (
        (True, [(2.0, 2, 0.5), (3.0, 3, 0.3333), (9.0, 1, 1.0)]),
        (False, [(3.0, 4, 0.5), (1.0, 2, 0.5)]),
    ):
        bins = sort_into_bins(values, right, is_floor, size=2)
        assert [(one["value"], one["n"], one["accuracy"]) for one in bins] == expected


def test_every_hint_is_measured_and_given_where_it_was() -> None:
    assert {*FLAWS, *FOUND} == set(RULES)
    measured = load_measured("quality")
    assert measured["split"] == "validation"
    for id, hint in (measured["changed"]["hints"] | measured["found"]["hints"]).items():
        if id == "tilted":
            assert hint["limit"] is None, "heads that are tilted further are levelled"
            assert RULES[id].limit >= hint["bins"][0]["value"]
        elif id != "doubtful":  # which `training.evaluation.face_recall` chooses, by what is no face at all
            assert RULES[id].limit == pytest.approx(hint["limit"], rel=0.03), id


def test_flaws_are_measured_at_each_level() -> None:
    faces = [make_face(seed=seed) for seed in range(2)]
    result = measure_flaws(load_models(["baseline"]), faces, np.arange(2))
    assert set(result["hints"]) == set(FLAWS)
    for id, measured in result["hints"].items():
        assert [row["level"] for row in measured["levels"]] == list(FLAWS[id][1])
        assert sum(one["n"] for one in measured["bins"]) >= 2 * len(FLAWS[id][1])


def test_found_faces_are_turned_and_measured() -> None:
    faces = [load_portrait().crop((160, 115, 380, 335)).convert("L").resize((48, 48))] * 8
    result = measure_found(load_models(["baseline"]), faces, np.full(8, 4), seed=0)
    assert result["found"] == 8
    assert [row["angle"] for row in result["angles"]] == sorted(set(ANGLES))
    assert sum(row["n"] for row in result["angles"]) == 8
    assert set(result["hints"]) == set(FOUND)
