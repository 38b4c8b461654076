"""The tab Models, from made-up figures: what is there is written in every language, what is not is said missing."""

import base64
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html import unescape

import pytest
from made_up_results import make_checkpoint, make_history, make_people_results, make_results, make_summary

from fer_models.configuration_fer import FER_LABELS
from fer_models.demo.components.charts import Axis, Series, render_chart
from fer_models.demo.components.model import render_curves, render_model, render_provenance, render_robustness
from fer_models.demo.components.models import (
    format_points,
    render_cost,
    render_lead,
    render_meaning,
    render_report_comparison,
    render_test_sets,
)
from fer_models.demo.components.overview import render_overview
from fer_models.demo.components.tables import render_table
from fer_models.demo.components.votes import render_votes
from fer_models.demo.locales import LOCALES, format_percent, translate, translate_tag
from fer_models.results import Checkpoint, find_ranks
from fer_models.zoo import TAGS, get_default_tag

SPACE = "\N{NO-BREAK SPACE}"


def read_rows(html: str) -> list[list[str]]:
    """The words of every row of data, cell by cell, with plain spaces."""
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', html)
    cells = [[header, *re.findall(r"<td.*?>(.*?)</td>", rest)] for header, rest in rows]
    return [[re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", cell)).strip() for cell in row] for row in cells]


def test_without_figures_every_section_says_so() -> None:
    missing = translate("es", "models.unmeasured")
    sections = [
        render_lead([], "es"),
        render_report_comparison({}, "es"),
        render_test_sets([], "es"),
        render_overview({}, [], "es"),
        render_model(None, "es"),
    ]
    assert [section for section in sections if missing not in section] == []
    for summary in ({}, {"cost": None, "votes": None}):  # these have no section then
        assert render_cost(summary, [make_checkpoint()], "en") == ""
        assert render_votes(summary, [make_checkpoint()], "en") == ""


@pytest.mark.parametrize("absent", ["splits", "robustness", "labels", "trained_with", "temperature", "seed"])
def test_a_model_with_a_figure_missing_is_shown_without_it(absent: str) -> None:
    results = make_results()
    del results[absent]
    if absent == "labels":
        results["splits"] = {}  # labels name the rows of the matrices
    html = render_model(Checkpoint("baseline", "report", results, []), "es")
    assert translate("es", "models.unmeasured") in html
    assert translate("es", "models.provenance.title") in html


def make_voter(key: str = "dense.ferplus", accuracy: float = 0.3, people: float = 0.8) -> Checkpoint:
    return replace(make_checkpoint(key), results=make_people_results(accuracy, people))


def test_the_lead_names_the_best_model_by_labels_and_by_people_without_copies_and_what_guessing_gives() -> None:
    best = make_checkpoint("baseline.tuned", 0.9)
    best.results["splits"]["official_test_without_copies"] = make_results(0.6)["splits"]["official_test"]
    checkpoints = [make_checkpoint("dense.report", 0.4), best]
    html = render_lead(checkpoints, "en")
    words = ("700 faces", "baseline (the data set&#x27;s own labels)", f"60.0{SPACE}%", f"14.3{SPACE}%")
    assert [word for word in words if word not in html] == []
    assert "most people" not in html
    html = render_lead([*checkpoints, make_voter()], "en")
    words = ("Guessing would agree with most people on", "always saying", *words)
    assert [word for word in words if word not in html] == []


def test_models_stand_beside_the_report_with_spread_difference_rank_and_gap() -> None:
    summary = make_summary()
    html = render_report_comparison(summary, "en")
    ours = ["baseline", "56.0 % ± 1.0 3 runs", "50.0 %", "+6.0", "", "1–2 (2)", "15.0 (30.0)", "60.0 %"]
    assert read_rows(html) == [
        ours,
        ["dense", "50.0 % 1 run", "52.0 %", "−2.0", "", "1–2 (1)", "15.0 (30.0)", "60.0 %"],
    ]
    assert html.count('class="fer-dot"') == 4, "one for each run"
    assert html.count('class="fer-diamond"') == 2, "one for each model's mean"
    del summary["published"]["dense"]
    row = ["dense", "50.0 % 1 run", "–", "–", "", "–", "15.0", "–"]
    assert read_rows(render_report_comparison(summary, "en"))[1] == row, "the report has no such model"


LOW, MIDDLE, HIGH = ([base + step / 100 for step in range(5)] for base in (0.1, 0.5, 0.8))


@pytest.mark.parametrize(
    ("scores", "ranks"),
    [
        ({}, {}),
        ({"a": [0.4], "b": [0.5]}, {"a": "1-2", "b": "1-2"}),
        ({"a": [0.1, 0.2, 0.3], "b": [0.7, 0.8, 0.9]}, {"a": "1-2", "b": "1-2"}),  # 2 / 20 by chance
        ({"a": LOW[:4], "b": HIGH[:4]}, {"a": "2", "b": "1"}),  # 2 / 70
        ({"a": [*LOW[:4], 0.9], "b": HIGH}, {"a": "1-2", "b": "1-2"}),  # they overlap
        # Of four there are six pairs: 2 / 70 is more than 0.05 / 6, 2 / 252 is less.
        ({"a": LOW[:4], "b": HIGH[:4], "c": MIDDLE[:4], "d": [0.5]}, dict.fromkeys("abcd", "1-4")),
        ({"a": LOW, "b": HIGH, "c": MIDDLE, "d": [0.5]}, {"a": "3-4", "b": "1-2", "c": "2-3", "d": "1-4"}),
    ],
    ids=["none", "one run each", "three each", "four each", "overlapping", "of four", "five each"],
)  # fmt: skip
def test_ranks_say_what_the_runs_leave_open(scores: dict[str, list[float]], ranks: dict[str, str]) -> None:
    assert find_ranks(scores) == ranks


def test_test_sets_have_intervals_and_gaps_and_the_part_without_copies_stands_first() -> None:
    partial = make_checkpoint("dense.tuned", splits={"official_test": make_results()["splits"]["official_test"]})
    html = render_test_sets([make_checkpoint(), partial], "es")
    measured, missing = "50,0 % 48,0 % a 52,0 %", translate("es", "models.unmeasured")
    assert read_rows(html) == [
        ["dense", missing, measured, missing, missing, missing],
        ["baseline", measured, measured, missing, measured, measured],
    ]
    heads = re.findall(r'<th scope="col">(.*?)<', html)
    keys = ("official_test_without_copies", "official_test", "ferplus_test", "official_validation", "report_test")
    assert [unescape(head) for head in heads[1:]] == [translate("es", f"models.sets.{key}") for key in keys]
    assert read_rows(render_test_sets([make_voter()], "es"))[0][3].startswith("80,0 %"), "what most people saw"


@pytest.mark.parametrize("tag", TAGS)
def test_ways_of_training_are_told_in_words(tag: str) -> None:
    words = translate_tag(tag, "es")
    assert words != tag
    checkpoint = make_checkpoint(f"baseline.{tag}")
    cost = render_cost(make_summary(), [checkpoint], "es")
    shown = [render_test_sets([checkpoint], "es"), cost, render_lead([checkpoint], "es")]
    assert [html for html in map(unescape, shown) if words not in html] == []
    assert translate_tag("strange", "es") == "strange"


def test_votes_of_people_stand_beside_the_models_that_load_takes() -> None:
    ways = {name: get_default_tag(name) for name in ("baseline", "dense")}
    others = [make_checkpoint("baseline.notebook", 0.9), make_checkpoint(f"dense.{ways['dense']}", splits={})]
    html = render_votes(make_summary(), [make_checkpoint(f"baseline.{ways['baseline']}", 0.5), *others], "es")
    assert read_rows(html) == [
        ["miedo", "400", "20,0 %", "25 %", "tristeza 30 %", "50 %"],
        ["asco", "600", "60,0 %", "50 %", "desprecio 30 %", "50 %"],
    ]


def test_cost_is_a_table() -> None:
    html = render_cost(make_summary(), [make_checkpoint()], "es")
    way = "baseline la receta original de 2022"
    assert read_rows(html) == [[way, "50,0 %", "–", "2,2 ms", "1234", "389 639", "1,6 MB", "12,3 M"]]
    assert "2 núcleos, a made-up machine" in html
    voter = make_voter("baseline.ferplus", 0.3, 0.8)
    html = render_cost(make_summary(), [voter, make_checkpoint("baseline.report", 0.5)], "en")
    assert [row[1:3] for row in read_rows(html)] == [["30.0 %", "80.0 %"], ["50.0 %", "–"]]


def test_a_model_is_first_shown_by_the_labels_that_it_learnt() -> None:
    assert "What most people saw, 560 images" in render_model(make_voter(), "en")
    assert "PrivateTest, no copies, 700 images" in render_model(make_checkpoint(), "en")


def test_a_model_is_shown_with_all_its_figures_which_can_be_taken_away() -> None:
    html = render_model(make_checkpoint(), "es")
    assert translate("es", "models.unmeasured") not in html
    assert html.count("<figure") == 3
    for label in FER_LABELS:  # rows and columns of the matrix, and a row of the recall
        assert html.count(f">{translate('es', f'label.{label}')}<") == 3
    assert read_rows(html)[0][1:4] == ["50 % 50", "50 % 50", "0 % 0"], "shares of a label"
    for words in ("make train-baseline.report", "2 núcleos, a made-up machine", "commit 0123456789", "torch 9.9"):
        assert words in html
    (content,) = re.findall(r'download="baseline.report.json" href="data:application/json;base64,(.*?)"', html)
    assert json.loads(base64.b64decode(content)) == make_results()


def test_errors_are_shown_on_the_test_set_that_is_chosen() -> None:
    checkpoint = make_checkpoint()
    split = checkpoint.results["splits"]["official_test"]
    checkpoint.results["splits"]["report_test"] = split | {"macro_f1": 0.4321, "confusion_matrix": [[7] * 7] * 7}
    html = render_model(checkpoint, "es", "report_test")
    assert unescape(html).count(translate("es", "models.sets.report_test")) >= 3
    assert format_percent("es", 0.4321) in html
    title = f"{translate('es', 'models.reliability.title')} ({translate('es', 'models.sets.report_test')}"
    assert title in unescape(html)
    assert format_percent("es", 0.4321) not in render_model(checkpoint, "es")
    del checkpoint.results["splits"]["report_test"]
    html = render_model(checkpoint, "es", "report_test")
    assert html.count(translate("es", "models.unmeasured")) == 3


def test_curves_begin_with_the_smaller_model_and_name_the_teachers() -> None:
    trained_with = {"widened_from": {"history": make_history(2)}, "teachers": {"dense.tuned": "0123456789ab"}}
    html = render_curves(make_checkpoint(trained_with=trained_with), "en")
    assert html.count("another training begins after epoch 2") >= 2
    assert html.count("in 5 epochs") == 4
    assert html.count(">training, by teachers too<") == 1
    views = {"teachers": {"transfer.lite2": "0123456789ab"}, "count": 2}
    for trained_with in ({"views": views}, {"widened_from": {"views": views}}):  # their answers, made before
        html = render_curves(make_checkpoint(trained_with=trained_with), "en")
        assert html.count(">training, by teachers too<") == 1
    assert "another training" not in html
    # Of a training that went on from one that went on, and of a part of a model, which has no epoch of its own.
    earlier = {"history": make_history(3), "widened_from": {"history": make_history(2)}}
    html = render_curves(make_checkpoint(trained_with={"widened_from": earlier}), "en")
    assert "another training begins after epoch 2, 5" in html
    assert html.count("in 8 epochs") == 4
    checkpoint = replace(make_checkpoint(trained_with={"widened_from": {"history": make_history(2)}}), history=[])
    html = render_curves(checkpoint, "en")
    assert html.count("in 2 epochs") == 4
    assert "another training" not in html
    # Of the first training every twentieth epoch was measured: the lines ran back to its number of rows.
    rows = [row | {"epoch": 20 * row["epoch"]} for row in make_history(2)]
    html = render_curves(make_checkpoint(trained_with={"widened_from": {"history": rows}}), "en")
    assert "begins after epoch 40" in html
    for line in re.findall(r'<polyline points="(.*?)"', html)[:4]:
        places = [float(point.partition(",")[0]) for point in line.split()]
        assert places == sorted(places)
        assert places[-1] <= 388, "inside the chart"


def test_of_a_widened_model_both_parts_commits_are_told() -> None:
    narrow = {"widened_from": {"commit": "fedcba98" * 5, "hardware": "2 cores, CPU"}}
    trained = make_results()["trained_with"]
    for trained_with, count in ((trained | narrow, 1), (trained, 0)):
        html = render_provenance(make_checkpoint(trained_with=trained_with), "es")
        assert html.count(translate("es", "models.provenance.earlier")) == count
        assert html.count("commit fedcba98") == count
        assert "<code>make train-baseline.report<" in html
    for before in ({"views": {"teachers": {}}}, {"widened_from": {"recipe": {"target": "heads"}}}):
        html = render_provenance(make_checkpoint(trained_with=trained | before), "en")
        assert "<code>make train-all train-baseline.report<" in html


def test_robustness_tells_level_and_loss() -> None:
    results = make_results()
    results["robustness"]["rows"].append({"change": "fog", "level": 0.5, "accuracy": 0.5})  # which has no words
    html = render_robustness(results["robustness"], results["splits"]["official_test"], "en")
    assert read_rows(html) == [
        ["blur standard deviation, pixels", "0.5 40.0 % −10.0", "2 30.0 % −20.0"],
        ["rotation", "10° 50.0 % 0.0", ""],
        ["fog", "0.5 50.0 % 0.0", ""],
    ]


def test_the_overview_says_which_is_best_how_sure_that_is_and_what_it_costs() -> None:
    ways = [f"{name}.{get_default_tag(name)}" for name in ("baseline", "dense")]
    html = render_overview(make_summary(), [make_voter(ways[0], 0.3, 0.4), make_voter(ways[1], 0.3, 0.8)], "es")
    rows = read_rows(html)
    assert [row[0] for row in rows] == ["dense", "baseline"], "the best first"
    assert rows[0][1].startswith("80,0 %")
    assert translate("es", "models.interval", low="", high="").strip() in rows[0][1]
    assert rows[1][2] == "2,2 ms"
    assert "<svg" in html
    assert translate("es", "overview.clear") in html
    near = render_overview(make_summary(), [make_voter(ways[0], 0.3, 0.79), make_voter(ways[1], 0.3, 0.8)], "es")
    assert translate("es", "overview.close", other="baseline") in near


def test_words_about_meaning_limits_and_use_are_all_there() -> None:
    html = render_meaning(make_summary(), "es")
    assert html.count("<section>") == 4
    assert f" 71{SPACE}% " in html
    assert f"9{SPACE}% " in html
    keys = [key for key in LOCALES["es"] if re.match(r"models\.(meaning|protocol|limits|uses)\.(?!title)", key)]
    assert html.count("<li>") == len(keys)
    assert render_meaning({}, "es").count("<li>") == len(keys) - 2, "two state a figure"


def test_points_are_signed_unless_they_are_nought() -> None:
    points = [format_points("en", share, sign=True) for share in (-0.0004, -0.0051, 0.123)]
    assert points == ["0.0", "−0.5", "+12.3"]


def test_a_name_in_a_chart_lies_on_no_point_and_no_other_name() -> None:
    """The name of one model lay on the point of another."""
    points = {"dense": (2.6, 82.7), "batchnorm": (5.7, 83.1), "baseline": (2.5, 81.5), "batchnorm-dropout": (5.7, 81.2)}
    series = Series("", [*points.values()], "a", [*points], is_line=False)
    html = render_chart("a < b", 'says "what" & <more>', Axis('"x" & <y>', 0, 19, str), Axis("", 80, 90, str), [series])
    svg = ElementTree.fromstring(re.findall(r"<svg viewBox=\"0 0 400.*?</svg>", html)[0])
    assert svg.attrib["aria-label"] == 'says "what" & <more>'
    names = [(float(one.attrib["x"]), float(one.attrib["y"]), one.text or "") for one in svg.iter("text")][-4:]
    assert sorted(name for _, _, name in names) == sorted(points)
    boxes = [(x, y - 9, x + 6.5 * len(name), y) for x, y, name in names]
    centres = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in svg.iter("circle")]
    boxes += [(x - 3, y - 3, x + 3, y + 3) for x, y in centres]
    for index, (left, top, right, bottom) in enumerate(boxes):
        for other_left, other_top, other_right, other_bottom in boxes[index + 1 :]:
            assert left > other_right or right < other_left or top > other_bottom or bottom < other_top


def test_a_table_has_a_caption_and_headers_of_its_groups() -> None:
    table = render_table("a & b", ["name", "share"], [("group", [["one", "1 %"]]), ("", [["two", "2 %"]])])
    assert "<caption><span>a &amp; b</span></caption>" in table
    assert [table.count(f'scope="{scope}"') for scope in ("col", "row", "rowgroup")] == [2, 2, 1]
