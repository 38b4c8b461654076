"""How far models are apart on one face, as one number."""

from collections import Counter
from collections.abc import Mapping, Sequence


def measure_disagreement(rows: Sequence[Mapping[str, float]]) -> float:
    """How many models are outside the largest group that agrees, and, after the point, how far all are apart.

    Args:
        rows: Each model's probabilities, the same labels in each.

    Returns:
        0 for one model, or for models that say the same; 2 and a bit for four of which two say one thing and two
        another. The bit is their mean distance (total variation) to their average, in [0, 1).
    """
    if not rows:
        return 0.0
    winners = Counter(max(row, key=row.__getitem__) for row in rows)
    average = {label: sum(row[label] for row in rows) / len(rows) for label in rows[0]}
    distances = [sum(abs(row[label] - average[label]) for label in average) / 2 for row in rows]
    return len(rows) - max(winners.values()) + sum(distances) / len(rows)
