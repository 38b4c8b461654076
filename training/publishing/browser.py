"""The table of docs/browser.md: how alike the page in the browser and this package answer, and how fast it is."""

from typing import Any

from fer_models.results import shorten_commit

from .markdown import MISSING, render_table


def render_browser(measured: dict[str, Any]) -> str:
    """What `training.benchmarks.browser` measured; a dash for what it has not."""
    rows = []
    if faces := measured.get("faces"):
        answers = faces["n"] * faces["models"]
        words = f"{faces['n']:,} faces of PublicTest, {faces['models']} models"
        rows += [
            [f"{words}: largest difference of a probability", f"{faces['largest_difference']:.5f}"],
            [f"of these {answers:,} answers, another winner but for ties", str(faces["other_winners"])],
        ]
    if photos := measured.get("photos"):
        words = f"{photos['n']} made photos with {photos['faces']} faces"
        rows += [
            [f"{words}: same faces, boxes and answers", f"{photos['same']} of {photos['n']}"],
            ["of these: largest difference of a box", f"{photos['largest_box_difference_px']:.1f} pixels"],
            ["of these: largest difference of a probability", f"{photos['largest_difference']:.4f}"],
        ]
    visit, timings = measured.get("bytes") or {}, measured.get("timings") or {}
    rows += [
        ["first visit, over the wire, four models", _describe(visit, "first_visit_bytes", 1e-6, "MB")],
        ["from a cold start to the first answer", _describe(timings, "cold_s", 1, "s")],
        ["photo of 640x480 to answer, warm", _describe(timings, "warm_ms", 1, "ms")],
        ["Live, one face, 640x480, four models", _describe(timings, "live_pictures_per_second", 1, "a second")],
    ]
    if memory := measured.get("memory"):
        words = f"memory of the browser in {memory['seconds'] / 60:.0f} minutes of Live: first, most, last"
        rows.append([words, f"{memory['first_mb']:.0f}, {memory['most_mb']:.0f}, {memory['last_mb']:.0f} MB"])
    environments = [part["environment"] for part in measured.values()]
    hardware = sorted({one["hardware"] for one in environments})
    commits = sorted({shorten_commit(one["commit"]) for one in environments})
    browser = visit.get("browser", "Chromium").replace("/", " ")
    return (
        f"{render_table(['compared', 'measured'], rows)}\n\n{browser}, {', '.join(hardware)}, "
        f"commits {', '.join(commits)}."
    )


def _describe(timings: dict[str, Any], key: str, factor: float, unit: str) -> str:
    return f"{timings[key] * factor:.1f} {unit}" if key in timings else MISSING
