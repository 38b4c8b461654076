import pytest
import torch

from fer_models.configuration_fer import FER_LABELS
from training.votes import NO_MAJORITY, VOTE_LABELS, count_distances, find_majority, make_targets

# neutral, happy, surprise, sad, angry, disgust, fear, contempt, unknown, no face
ROWS = [
    (None, None, "no votes"),
    ([10, 0, 0, 0, 0, 0, 0, 0, 0, 0], "neutral", "all agree"),
    ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], "neutral", "more than half"),
    ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], None, "exactly half is no majority"),
    ([5, 1, 1, 1, 1, 1, 0, 0, 0, 0], "neutral", "single votes are outliers, so they do not count against it"),
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None, "nothing but outliers"),
    ([2, 0, 0, 0, 0, 0, 0, 7, 0, 0], None, "contempt is none of the labels"),
    ([3, 0, 0, 0, 0, 0, 0, 0, 6, 0], None, "unknown"),
    ([0, 0, 0, 0, 0, 0, 0, 0, 2, 8], None, "no face"),
]


@pytest.mark.parametrize(("votes", "label", "reason"), ROWS)
def test_majority_follows_the_official_rule(votes, label, reason):
    (winner,) = find_majority([votes]).tolist()
    assert winner == (FER_LABELS.index(label) if label else NO_MAJORITY), reason


def test_contempt_counts_where_it_is_asked_for():
    (winner,) = find_majority([[2, 0, 0, 0, 0, 0, 0, 7, 0, 0]], VOTE_LABELS).tolist()
    assert VOTE_LABELS[winner] == "contempt"


@pytest.mark.parametrize(
    ("votes", "expected", "reason"),
    [
        (None, {}, "no votes, nothing to learn"),
        ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], {"neutral": 0.6, "happy": 0.4}, "shares"),
        ([6, 1, 0, 0, 0, 0, 0, 2, 1, 0], {"neutral": 0.75, "contempt": 0.25}, "without outliers and unknown"),
        ([2, 0, 0, 0, 0, 0, 0, 0, 8, 0], {}, "mostly unknown"),
        ([0, 0, 0, 3, 0, 0, 0, 0, 0, 3], {}, "as often no face"),
    ],
)
def test_targets_are_the_distribution_of_votes(votes, expected, reason):
    (target,) = make_targets([votes])
    assert {VOTE_LABELS[i]: pytest.approx(target[i].item()) for i in target.nonzero().flatten()} == expected, reason


def test_no_row_at_all_is_no_error():
    assert find_majority([]).shape == (0,)
    assert make_targets([]).shape == (0, 8)


def test_an_annotator_is_as_far_from_the_others_as_they_disagree():
    assert count_distances([[10, 0, 0, 0, 0, 0, 0, 0, 0, 0]]) == 0
    # Whoever says one of two has four of nine others on their side.
    assert count_distances([[5, 5, 0, 0, 0, 0, 0, 0, 0, 0], None]) == pytest.approx(1 - 4 / 9)


def test_targets_and_majority_of_the_same_votes_agree():
    votes = torch.randint(0, 6, (200, 10), generator=torch.Generator().manual_seed(0)).tolist()
    majority, targets = find_majority(votes), make_targets(votes)
    known = majority != NO_MAJORITY
    assert known.any()
    assert torch.equal(targets[known, :7].argmax(1), majority[known])
