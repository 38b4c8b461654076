"""What was measured of the models, read from the JSON beside their weights; what was not measured yet is empty."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from .inference import PEOPLE_SPLIT, SHOWN_SPLIT
from .zoo import CHECKPOINTS_DIR, ZOO, sort_tags

# Written by `make report`: the report's own figures, every seed of every recipe, what the models cost, and
# what people said of the same faces.
SUMMARY_PATH = Path(__file__).parent / "summary.json"
# What models are told apart by, and read on; those that chose nothing come first.
TEST_SPLITS = (SHOWN_SPLIT, "official_test", PEOPLE_SPLIT, "official_validation", "report_test")


def compute_macro_recall(matrix: list[list[int]]) -> float:
    """The mean recall, in [0, 1], of the classes that occur; rows of the confusion matrix are true classes."""
    return fmean(row[index] / sum(row) for index, row in enumerate(matrix) if sum(row))


class Metric(NamedTuple):
    """A figure of a split.

    Attributes:
        words: How it is called.
        compute: Gets it from a confusion matrix (rows are true classes), for results that were measured without it.
        is_share: Whether it lies in [0, 1] and is written as per cent, and not as a number.
    """

    words: str
    compute: Callable[[list[list[int]]], float] | None = None
    is_share: bool = True

    def read(self, key: str, figures: dict[str, Any] | None) -> float | None:
        """Of what `results.json` holds of a split; None if it is not known."""
        value = (figures or {}).get(key)
        matrix = (figures or {}).get("confusion_matrix")
        return self.compute(matrix) if value is None and self.compute and matrix else value


# What is shown of a split beside its accuracy, by its key in `results.json`. Tables, cards and page follow.
METRICS = {"macro_f1": Metric("macro F1"), "macro_recall": Metric("macro recall", compute_macro_recall)}
# Of one model called better than another that is as good, among all pairs together.
MAX_CHANCE = 0.05


@dataclass(frozen=True)
class Checkpoint:
    """A bundled model and its figures.

    Attributes:
        name: Its name in the zoo.
        tag: How it was trained.
        results: Its `results.json`, as `training.evaluation.evaluate` writes it; empty if there is none.
        history: Its `history.json`, one row an epoch.
    """

    name: str
    tag: str
    results: dict[str, Any]
    history: list[dict[str, float]]

    @property
    def key(self) -> str:
        """Such as `baseline.report`."""
        return f"{self.name}.{self.tag}"

    def get_split(self, split: str) -> dict[str, Any] | None:
        """The figures of a split, as `training.evaluation.evaluate.measure` gives them, or None."""
        return self.results.get("splits", {}).get(split)


def read_checkpoints(directory: Path = CHECKPOINTS_DIR) -> list[Checkpoint]:
    """The bundled models: tag by tag, each in the order of the zoo.

    Raises:
        ValueError: A file is damaged.
    """
    keys = [path.name for path in directory.glob("*.*") if path.is_dir()]
    return [
        Checkpoint(
            name,
            tag,
            read_json(directory / f"{name}.{tag}" / "results.json") or {},
            read_json(directory / f"{name}.{tag}" / "history.json") or [],
        )
        for tag, names in group_by_tag(keys)
        for name in names
    ]


def read_summary(path: Path = SUMMARY_PATH) -> dict[str, Any]:
    """What `make report` gathered, as `training.publishing.report.make_summary` says; empty if it was not written yet.

    Raises:
        ValueError: The file is damaged.
    """
    return read_json(path) or {}


def group_by_tag(keys: Iterable[str]) -> list[tuple[str, Sequence[str]]]:
    """`<name>.<tag>` as pairs of a tag and the names that have it, in the order of `zoo.sort_tags`."""
    names_of: dict[str, list[str]] = {}
    for key in keys:
        name, _, tag = key.partition(".")
        names_of.setdefault(tag, []).append(name)
    return [(tag, [name for name in ZOO if name in names_of[tag]]) for tag in sort_tags(names_of)]


def find_ranks(scores: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """The place of each name among all, 1 for the highest: `2`, or `2-3` where the runs leave it open.

    A name is above another if all of its scores are, and if so many runs of two equal models would part so by chance,
    in either direction, in less than `MAX_CHANCE` of all cases, divided by the number of pairs (an exact permutation
    test, with Bonferroni's correction). So no place that is told apart is wrong but for that chance. Three runs against
    three part by chance in a tenth of the cases, which tells nothing apart; of four models it takes five runs each.

    Args:
        scores: Those of each name's runs, which differ in their seed alone, on the same images.
    """
    pairs = max(comb(len(scores), 2), 1)

    def is_above(own: Sequence[float], theirs: Sequence[float]) -> bool:
        return min(own) > max(theirs) and 2 / comb(len(own) + len(theirs), len(own)) < MAX_CHANCE / pairs

    ranks = {}
    for name, own in scores.items():
        others = [theirs for other, theirs in scores.items() if other != name]
        best = 1 + sum(is_above(theirs, own) for theirs in others)
        worst = len(scores) - sum(is_above(own, theirs) for theirs in others)
        ranks[name] = str(best) if best == worst else f"{best}-{worst}"
    return ranks


def rank_printed(figures: Mapping[str, float]) -> dict[str, str]:
    """The place of each name by one printed figure each, 1 for the highest, whatever it is worth."""
    return {name: str(1 + sum(theirs > own for theirs in figures.values())) for name, own in figures.items()}


@dataclass(frozen=True)
class Statistics:
    """A model's accuracy on PrivateTest with its own running statistics of batch normalisation and with new ones.

    Attributes:
        name: Its name in the zoo.
        shares: Accuracies in [0, 1], one a seed, `before` and `after`; none after for a model without such statistics.
        shares_without_copies: The same without the faces that are copies of training images.
    """

    name: str
    shares: dict[str, list[float]]
    shares_without_copies: dict[str, list[float]]

    def get_mean(self, when: str) -> float:
        """Over the seeds, `before` or `after`; a model that has no statistics stays as it is."""
        return fmean(self.shares[when] or self.shares["before"])


def group_statistics(measured: Mapping[str, Any]) -> list[Statistics]:
    """What `training.evaluation.batch_norm` wrote, model by model."""
    rows_of: dict[str, list[dict[str, Any]]] = {}
    for row in measured["rows"]:
        rows_of.setdefault(row["model"], []).append(row["splits"])

    def collect(rows: Sequence[dict[str, Any]], split: str) -> dict[str, list[float]]:
        return {
            when: [row[split][when] for row in rows if row[split][when] is not None] for when in ("before", "after")
        }

    return [
        Statistics(name, collect(rows, "official_test"), collect(rows, "official_test_without_copies"))
        for name, rows in rows_of.items()
    ]


def order_models(models: Iterable[Statistics], when: str) -> list[str]:
    """Names from the most to the least accurate, `before` or `after`."""
    return [one.name for one in sorted(models, key=lambda one: -one.get_mean(when))]


def list_trainings(trained_with: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What `training.train` wrote of a run, behind the same of those that the run went on from, the first first."""
    trainings = [trained_with]
    while "widened_from" in trainings[0]:
        trainings.insert(0, trainings[0]["widened_from"])
    return trainings


def join_history(
    history: Sequence[dict[str, float]], trained_with: Mapping[str, Any]
) -> tuple[list[dict[str, float]], list[int]]:
    """The epochs of a run, behind those of the runs that it went on from.

    Args:
        history: The run's own, one row an epoch.
        trained_with: Where it comes from, as `training.train` writes it.

    Returns:
        All rows, numbered on, and after which of them another training began.
    """
    rows: list[dict[str, float]] = []
    ends = []
    for part in [*(one.get("history", []) for one in list_trainings(trained_with)[:-1]), history]:
        last = int(rows[-1]["epoch"]) if rows else 0  # not every epoch has a row
        if last and part:
            ends.append(last)
        rows += [{**row, "epoch": row["epoch"] + last} for row in part]
    return rows, ends


def shorten_commit(commit: str) -> str:
    """Ten digits of a commit, and still whether files were changed since."""
    return commit[:10] + ("-dirty" if commit.endswith("-dirty") else "")


def read_json(path: Path) -> Any:
    """The content of a file; None if there is none.

    Raises:
        ValueError: The file is damaged.
    """
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Write it anew with `make report`, or install again.") from error
