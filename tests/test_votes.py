import pytest

from fer_models.configuration_fer import FER_LABELS
from training.votes import NO_MAJORITY, VOTE_LABELS, count_distances, find_majority, make_targets

# neutral, happy, surprise, sad, angry, disgust, fear, contempt, unknown, no face


def test_majority_follows_the_official_rule():
    assert find_majority([]).shape == (0,)
    for votes, label in (
        (None, None),
        ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], "neutral"),  # more than half
        ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], None),  # exactly half
        ([5, 1, 1, 1, 1, 1, 0, 0, 0, 0], "neutral"),  # single votes are outliers, and do not count against it
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None),  # nothing but outliers
        ([2, 0, 0, 0, 0, 0, 0, 7, 0, 0], None),  # contempt is none of the labels
        ([3, 0, 0, 0, 0, 0, 0, 0, 6, 0], None),  # unknown
        ([0, 0, 0, 0, 0, 0, 0, 0, 2, 8], None),  # no face
    ):
        (winner,) = find_majority([votes]).tolist()
        assert winner == (FER_LABELS.index(label) if label else NO_MAJORITY), votes
    (winner,) = find_majority([[2, 0, 0, 0, 0, 0, 0, 7, 0, 0]], VOTE_LABELS).tolist()
    assert VOTE_LABELS[winner] == "contempt", "where it is asked for"


def test_targets_are_the_distribution_of_votes():
    assert make_targets([]).shape == (0, 8)
    for votes, expected in (
        (None, {}),
        ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], {"neutral": 0.6, "happy": 0.4}),
        ([6, 1, 0, 0, 0, 0, 0, 2, 1, 0], {"neutral": 0.75, "contempt": 0.25}),  # without outliers and unknown
        ([2, 0, 0, 0, 0, 0, 0, 0, 8, 0], {}),  # mostly unknown
        ([0, 0, 0, 3, 0, 0, 0, 0, 0, 3], {}),  # as often no face
    ):
        (target,) = make_targets([votes])
        found = {VOTE_LABELS[i]: target[i].item() for i in target.nonzero().flatten()}
        assert found == pytest.approx(expected), votes


def test_an_annotator_is_as_far_from_the_others_as_they_disagree():
    """It stands beside the models' distances, and was by other votes than theirs: outliers and contempt were in."""
    for votes, distance in (
        ([10, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0),
        ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], 1 - 4 / 9),  # four of nine others are of the same mind
        ([6, 1, 0, 0, 0, 0, 0, 2, 1, 0], 1 / 7),  # seven say a label, and one of them is alone
    ):
        assert count_distances([votes, None, [0] * 10]) == pytest.approx(distance), votes
        assert count_distances([votes, [4, *[0] * 9]]) == pytest.approx(distance / 2), "faces count alike"
