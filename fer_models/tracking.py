"""Faces over time: which face is which, and what the models make of it, smoothed. Pure arithmetic, no pictures.

Times are in seconds of a clock that never goes back, and nothing here reads a clock. What depends on time is said in
seconds, so that it is the same at any frame rate.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .faces import DetectedFace, Point

# Probabilities follow a face with this time constant: after it, 63 % of a sudden change are shown.
SMOOTHING_S = 0.5
# How fast a face moves is a mean over about this long.
VELOCITY_S = 0.3
# A face that is away no longer than this is the same one when it returns: a turned head, a hand before it. It is
# forgotten by a picture that lacks it, however far apart pictures are: of 29.97 a second, each 30th is 1.001 s away.
LOST_S = 1.0
# A face may be found this far from where it was expected, in heights of its box, ...
MAX_DISTANCE = 1.0
# ... and be this many times as high, or as low.
MAX_GROWTH = 2.0
# Frames per second are counted over this long.
FRAME_RATE_S = 2.0
# What the timeline shows, and how far its points lie apart.
TIMELINE_S = 20.0
TIMELINE_STEP_S = 0.5


@dataclass
class Smoothed:
    """Numbers that change gradually: an exponential moving average whose time constant is in seconds.

    Attributes:
        constant_s: Its time constant, in seconds.
        values: The average; None before the first values.
    """

    constant_s: float = SMOOTHING_S
    values: dict[str, float] | None = None
    _updated_s: float = 0.0

    def update(self, values: Mapping[str, float], now_s: float) -> dict[str, float]:
        """Take in new values, the same keys each time; returns the average."""
        if self.values is None:
            self.values = dict(values)
        else:
            weight = 1 - math.exp(-max(0.0, now_s - self._updated_s) / self.constant_s)
            self.values = {key: old + weight * (values[key] - old) for key, old in self.values.items()}
        self._updated_s = now_s
        return self.values


@dataclass(eq=False)
class Track:
    """One face over time.

    Attributes:
        id: Its number, from 1 in the order of appearance; never given to another face.
        face: Where it was last seen.
        seen_s: When that was.
        velocity_xy: How fast its centre moves, `x` and `y` in pixels per second; nothing after one look.
        probabilities: What each model makes of it, smoothed; by the model's name.
    """

    id: int
    face: DetectedFace
    seen_s: float
    velocity_xy: Smoothed = field(default_factory=lambda: Smoothed(VELOCITY_S))
    probabilities: dict[str, Smoothed] = field(default_factory=dict)

    def distance_to(self, face: DetectedFace, now_s: float) -> float:
        """How badly a face fits, in heights of the box; infinite if it cannot be this one.

        It is expected where the movement leads. Where it was last seen is the second guess, and fits worse: two faces
        that cross each other stand, a moment later, where the other one was.
        """
        if not 1 / MAX_GROWTH <= face.height / self.face.height <= MAX_GROWTH:
            return math.inf
        (x, y), elapsed_s = _centre(self.face), now_s - self.seen_s
        velocity = self.velocity_xy.values or {"x": 0.0, "y": 0.0}
        expected = (x + elapsed_s * velocity["x"], y + elapsed_s * velocity["y"])
        for penalty, point in ((0.0, expected), (MAX_DISTANCE, (x, y))):
            distance = math.dist(_centre(face), point) / self.face.height
            if distance <= MAX_DISTANCE:
                return penalty + distance
        return math.inf

    def move_to(self, face: DetectedFace, now_s: float) -> None:
        """The face was seen there."""
        elapsed_s = now_s - self.seen_s
        if elapsed_s > 0:
            (x0, y0), (x1, y1) = _centre(self.face), _centre(face)
            self.velocity_xy.update({"x": (x1 - x0) / elapsed_s, "y": (y1 - y0) / elapsed_s}, now_s)
        self.face, self.seen_s = face, now_s

    def smooth(self, model: str, probabilities: Mapping[str, float], now_s: float) -> dict[str, float]:
        """Take in what a model makes of the face now; returns the smoothed probabilities, which sum to 1 again."""
        return self.probabilities.setdefault(model, Smoothed()).update(probabilities, now_s)


class FaceTracker:
    """Says which face of a picture is which of the pictures before."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._next_id = 1

    def update(self, faces: Sequence[DetectedFace], now_s: float) -> list[Track]:
        """Match the faces of the next picture.

        Args:
            faces: All faces that were found in it.
            now_s: When it was taken.

        Returns:
            The track of each face, in the order of the faces.
        """
        pairs = sorted(
            (distance, track_index, face_index)
            for track_index, track in enumerate(self._tracks)
            for face_index, face in enumerate(faces)
            if (distance := track.distance_to(face, now_s)) < math.inf
        )
        of_face: dict[int, Track] = {}
        taken: set[int] = set()
        for _, track_index, face_index in pairs:  # the nearest first
            if track_index not in taken and face_index not in of_face:
                taken.add(track_index)
                of_face[face_index] = self._tracks[track_index]
        for face_index, face in enumerate(faces):
            if face_index in of_face:
                of_face[face_index].move_to(face, now_s)
            else:
                of_face[face_index] = Track(self._next_id, face, now_s)
                self._tracks.append(of_face[face_index])
                self._next_id += 1
        self._tracks = [track for track in self._tracks if now_s - track.seen_s <= LOST_S]
        return [of_face[index] for index in range(len(faces))]

    def remembers(self, track: Track) -> bool:
        """Whether a face may still return as the same one."""
        return track in self._tracks


class FrameRate:
    """Frames per second over the last `FRAME_RATE_S`."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def add(self, now_s: float) -> float:
        """Count a frame; returns frames per second, 0 if it is the only one of late."""
        self._times.append(now_s)
        while now_s - self._times[0] > FRAME_RATE_S:
            self._times.popleft()
        elapsed_s = now_s - self._times[0]
        return (len(self._times) - 1) / elapsed_s if elapsed_s > 0 else 0.0


class Timeline:
    """Probabilities of the last `TIMELINE_S`, one point every `TIMELINE_STEP_S` at most."""

    def __init__(self) -> None:
        self.points: deque[tuple[float, dict[str, float]]] = deque()

    def add(self, probabilities: Mapping[str, float], now_s: float) -> None:
        """Add a point, unless the last one is too recent, and forget what is too old."""
        if not self.points or now_s - self.points[-1][0] >= TIMELINE_STEP_S:
            self.points.append((now_s, dict(probabilities)))
        while self.points and now_s - self.points[0][0] > TIMELINE_S:
            self.points.popleft()

    def clear(self) -> None:
        """Forget everything."""
        self.points.clear()


def _centre(face: DetectedFace) -> Point:
    left, top, right, bottom = face.box_xyxy
    return (left + right) / 2, (top + bottom) / 2


__all__ = ["FaceTracker", "FrameRate", "Smoothed", "Timeline", "Track"]
