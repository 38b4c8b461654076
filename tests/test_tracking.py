"""Faces over time, without pictures: boxes and times in, identities and smoothed numbers out."""

import math

import pytest

from fer_models.faces import DetectedFace
from fer_models.tracking import LOST_S, SMOOTHING_S, TIMELINE_S, FaceTracker, FrameRate, Smoothed, Timeline

SIDE = 100


def face_at(x: float, y: float = 200, side: float = SIDE) -> DetectedFace:
    """A face whose centre is there, in pixels."""
    return DetectedFace((x - side / 2, y - side / 2, x + side / 2, y + side / 2), 0.9)


def follow(pictures: list[list[DetectedFace]], frames_per_second: float) -> list[list[int]]:
    """The ids of the faces of each picture."""
    tracker = FaceTracker()
    return [
        [track.id for track in tracker.update(faces, 5 + index / frames_per_second)]
        for index, faces in enumerate(pictures)
    ]


CROSSING = [[face_at(100 + 30 * i), face_at(400 - 30 * i)] for i in range(11)]
# In the middle the detector takes the two for one, and drops it.
CROSSING[4:7] = [faces[:1] for faces in CROSSING[4:7]]
TRACKS = {
    "no face": ([[], []], [[], []]),
    "one that moves 4 heads a second": ([[face_at(100 + 40 * i)] for i in range(8)], [[1]] * 8),
    "too far for a tenth of a second": ([[face_at(100)], [face_at(400)]], [[1], [2]]),
    "suddenly far larger": ([[face_at(100)], [face_at(100, side=250)]], [[1], [2]]),
    "another one comes": ([[face_at(100)], [face_at(400), face_at(105)]], [[1], [2, 1]]),
    "one of two leaves": ([[face_at(100), face_at(400)], [face_at(402)]], [[1, 2], [2]]),
    "one face is one, not two": ([[face_at(100), face_at(210)], [face_at(155)]], [[1, 2], [1]]),
    "back within a second": ([[face_at(100)], *[[]] * 9, [face_at(110)]], [[1], *[[]] * 9, [1]]),
    "back too late": ([[face_at(100)], *[[]] * 11, [face_at(110)]], [[1], *[[]] * 11, [2]]),
    "two cross, one behind the other": (CROSSING, [[1, 2]] * 4 + [[1]] * 3 + [[1, 2]] * 4),
    "pictures 1.001 s apart": ([[face_at(100)], [face_at(105)]], [[1], [1]], 29.97 / 30),
    "missing in one of 5 s": ([[face_at(100)], [], [face_at(100)]], [[1], [], [2]], 0.2),
}


@pytest.mark.parametrize("track", TRACKS.values(), ids=TRACKS)
def test_each_face_keeps_its_number(track: tuple[list[list[DetectedFace]], list[list[int]], float]) -> None:
    pictures, ids, frames_per_second = (*track, 10)[:3]
    assert follow(pictures, frames_per_second) == ids


def test_a_face_is_forgotten_only_when_it_has_been_away_too_long() -> None:
    tracker = FaceTracker()
    (track,) = tracker.update([face_at(100)], 0.0)
    tracker.update([], 0.9 * LOST_S)
    assert tracker.remembers(track)
    tracker.update([], 1.1 * LOST_S)
    assert not tracker.remembers(track)


def test_smoothing_takes_the_same_time_at_any_frame_rate() -> None:
    first = {"happy": 0.0, "sad": 1.0}
    for frames_per_second in (2, 30):
        smoothed = Smoothed()
        assert smoothed.update(first, 3.0) == first, "the first values are shown as they are"
        for frame in range(1, frames_per_second + 1):  # one second
            values = smoothed.update({"happy": 1.0, "sad": 0.0}, 3.0 + frame / frames_per_second)
        assert values["happy"] == pytest.approx(1 - math.exp(-1 / SMOOTHING_S))
        assert sum(values.values()) == pytest.approx(1)


def test_each_model_of_a_track_is_smoothed_on_its_own() -> None:
    (track,) = FaceTracker().update([face_at(100)], 0.0)
    track.smooth("dense", {"happy": 0.0}, 0.0)
    assert track.smooth("baseline", {"happy": 1.0}, 1.0) == {"happy": 1.0}
    assert track.smooth("dense", {"happy": 1.0}, 1.0)["happy"] < 1


def test_frame_rate() -> None:
    ten_a_second, after_a_pause = [0.1 * i for i in range(50)], [0.0, 60.0]
    for times, rate in (([0.0], 0), ([0.0, 0.0], 0), (ten_a_second, 10), (after_a_pause, 0)):
        frame_rate = FrameRate()
        assert [frame_rate.add(time) for time in times][-1] == pytest.approx(rate)


def test_the_timeline_stays_short() -> None:
    timeline = Timeline()
    assert not timeline.points
    for frame in range(30 * 60):
        timeline.add({"happy": 0.5}, frame / 30)
    times = [time for time, _ in timeline.points]
    assert times[-1] - times[0] == pytest.approx(TIMELINE_S, abs=0.6)
    assert len(times) <= 41
    timeline.clear()
    assert not timeline.points
