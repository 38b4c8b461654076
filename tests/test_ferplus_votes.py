import pytest
from test_subsets import FACES, make_rows

from training.data import DataError
from training.evaluation.ferplus_votes import count_votes

#        neutral, happy, surprise, sad, angry, disgust, fear, contempt, unknown, no face
AFRAID = [0, 0, 3, 0, 0, 0, 7, 0, 0, 0]
ASTONISHED = [0, 0, 5, 0, 0, 0, 0, 1, 2, 2]
TORN = [0, 0, 5, 0, 0, 0, 5, 0, 0, 0]


def test_votes_are_mean_shares_by_label() -> None:
    for votes, n, fear, agreed in (
        ([None], 0, None, None),
        ([[0] * 10], 0, None, None),  # none was left
        ([AFRAID, ASTONISHED], 2, 0.35, 0.5),
        ([TORN, None], 1, 0.5, 1.0),  # a tie is no disagreement
    ):
        # One row more, so that the column has its type where the others have no votes.
        rows = make_rows(FACES[:1] * (len(votes) + 1), ["fear"] * len(votes) + ["happy"], [*votes, [0, 10, *[0] * 8]])
        result = count_votes(rows)
        assert (result["n"], result["n_unknown"]) == (n + 1, len(votes) - n)
        assert result["labels"]["happy"]["votes"]["happy"] == 1
        described = result["labels"].get("fear", {"votes": {"fear": None}, "agreed": None})
        assert (described["votes"]["fear"], described["agreed"]) == (fear, agreed)
        assert fear is None or sum(described["votes"].values()) == pytest.approx(1)


def test_without_votes_the_reason_is_said() -> None:
    with pytest.raises(DataError, match="has no FER"):
        count_votes(make_rows(FACES, ["sad"] * 3))
