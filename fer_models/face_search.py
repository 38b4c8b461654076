"""What a face in a picture is, and how to find those that one look misses: turned, small or cut by the edge.

Of the detector only the scores and sizes are known here.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image

Box = tuple[float, float, float, float]
Point = tuple[float, float]
Points = tuple[Point, Point, Point, Point, Point]

# Of 1,000 FER2013 training images 979 are found (`training/results/face_crop.json`). Higher thresholds lose faces
# sooner than they lose mistakes, and to miss a face is worse than to find one too many.
FOUND_SCORE = 0.7
# Faces above the first need no closer look: turned faces rarely reach it. What a closer look finds below the second is
# doubtful: that tells faces and false faces apart (`python -m training.evaluation.face_recall`,
# `training/results/faces.json`).
SURE_SCORE = 0.88
SECOND_SCORE = 0.85
# In a closer look faces that are turned reach 0.89.
UPRIGHT_SCORE = 0.91
# A picture fitted into the first size shows the small faces of a group, tiles of it those that were too small then, up
# to the second; so many pixels of tiles take about a second.
FINE_SIDE = 1024
TILE_FACE_MAX = 200
TILE_PIXELS = 16_000_000
# Two boxes are one face if they share this much of the smaller one (of their union would keep a face and its parts).
SAME_FACE_OVERLAP = 0.4
# A closer look is a square around a possible face: in steps of an eighth turn, the picture beyond its edges reflected.
STEP_DEGREES = 45
STEP_VIEW_SIDE, STEP_VIEW_HEIGHTS = 128, 1.6
# The eyes that YuNet finds are all but level, however the head is tilted, unless the face is large; and its scores tell
# faces from other things best then. So heads are levelled, and doubts settled, at this size.
LEVEL_VIEW_SIDE, LEVEL_VIEW_HEIGHTS = 320, 1.3
ALL_TURNS = [float(angle) for angle in range(0, 360, STEP_DEGREES)]
# The first and smaller one of two such looks, for upright faces whose eyes seem to be tilted by so much, in degrees.
HINT_VIEW_SIDE, HINT_DEGREES, HINT_VIEW_DEGREES = 192, 3.0, 8.0
# A face on its side may look upright, with its nose beside the eyes: from so much on, as `DetectedFace.aside` has it, a
# face must be surer.
NOSE_ASIDE = 0.4
# From a quarter turn a face must differ by so much for its eyes to be levelled, in degrees; below, that brings nothing
# (`training/results/faces.json`).
LEVEL_FROM_DEGREES = 20.0
# What a closer look finds lies within this share of its side around its centre, ...
CENTRE_FRACTION = 0.2
# ... and no more possible faces than these, the surest, are looked at so: each takes about 30 ms.
MAX_CLOSER = 6
# Of a crowd only the largest faces are looked at again.
MAX_STRAIGHTENED = 12
# An edge cuts a face whose box comes this close to it, in heights of the box.
EDGE_FRACTION = 0.25
# Tiles share this much with their neighbours, so that each face up to this height lies whole in one; larger ones are
# found without tiles.
TILE_OVERLAP = 96
# More tiles than these has only a strip that is much longer than any photo; looking at each would take minutes.
MAX_TILES = 64
# So many tiles are looked at side by side.
TILE_THREADS = 2


@dataclass(frozen=True)
class DetectedFace:
    """A face in a picture.

    Attributes:
        box_xyxy: Left, top, right, bottom of what can be seen of it, in pixels of the picture, inside it.
        score: How sure the detector is, in [0, 1].
        landmarks_xy: Five points in pixels of the picture, left and right as seen in the upright face: left eye, right
            eye, tip of the nose, left and right corner of the mouth. None from a detector that finds none.
        turned_degrees: How far the picture must be turned counterclockwise for the face to be upright, in (-180, 180].
        tiled: Whether it was only found by looking at a large picture part by part.
        whole_xyxy: The box of the whole upright face where that is another one: parts of it lie beyond the edge of the
            picture, or it was turned back around the centre of this box. In pixels of the picture.
        second_score: How sure a closer look was, in [0, 1]; None where none was needed.

    Raises:
        ValueError: A box is empty, or the score is out of range.
    """

    box_xyxy: Box
    score: float
    landmarks_xy: Points | None = None
    turned_degrees: float = 0.0
    tiled: bool = False
    whole_xyxy: Box | None = None
    second_score: float | None = None

    def __post_init__(self) -> None:
        for name, (left, top, right, bottom) in (("box_xyxy", self.box_xyxy), ("whole_xyxy", self.whole)):
            if not (left < right and top < bottom):
                raise ValueError(f"{name} must be left < right and top < bottom, got {(left, top, right, bottom)}.")
        if not 0 <= self.score <= 1:
            raise ValueError(f"score must lie in [0, 1], got {self.score}.")

    @property
    def whole(self) -> Box:
        """Left, top, right, bottom of the whole upright face, in pixels of the picture, perhaps beyond its edges."""
        return self.whole_xyxy or self.box_xyxy

    @property
    def certainty(self) -> float:
        """How sure the detector is in the end, in [0, 1]."""
        return self.score if self.second_score is None else self.second_score

    @property
    def height(self) -> float:
        """Height of the whole upright face in pixels."""
        return self.whole[3] - self.whole[1]

    @property
    def area(self) -> float:
        """Area of its box in square pixels."""
        return (self.whole[2] - self.whole[0]) * self.height

    @property
    def centre(self) -> Point:
        """Centre of the whole face, in pixels of the picture."""
        return (self.whole[0] + self.whole[2]) / 2, (self.whole[1] + self.whole[3]) / 2

    @property
    def tilt(self) -> float | None:
        """How far the line of the eyes still falls to the right after turning, in degrees; None without landmarks."""
        if self.landmarks_xy is None:
            return None
        (x0, y0), (x1, y1) = self.landmarks_xy[:2]
        return _wrap(math.degrees(math.atan2(y1 - y0, x1 - x0)) - self.turned_degrees)

    @property
    def aside(self) -> float | None:
        """How far the nose lies beside the middle of the eyes, along their line and in their distance, 0 or more; None
        without landmarks."""
        if self.landmarks_xy is None:
            return None
        (x0, y0), (x1, y1), (x, y) = self.landmarks_xy[:3]
        dx, dy = x1 - x0, y1 - y0
        distance = max(math.hypot(dx, dy), 1e-6)
        return abs((x - (x0 + x1) / 2) * dx + (y - (y0 + y1) / 2) * dy) / distance**2

    def scaled(self, factor: float) -> "DetectedFace":
        """The same face in a picture of which each side has `factor` times as many pixels."""
        points = self.landmarks_xy and tuple((factor * x, factor * y) for x, y in self.landmarks_xy)
        boxes = [box and tuple(factor * side for side in box) for box in (self.box_xyxy, self.whole_xyxy)]
        return replace(self, box_xyxy=boxes[0], landmarks_xy=points, whole_xyxy=boxes[1])  # type: ignore[arg-type]


Look = Callable[[Image.Image], list[DetectedFace]]


class Detector(NamedTuple):
    """What a search must know of the detector that it uses.

    Attributes:
        scan: Finds faces of all sizes in a whole picture, RGB, possible ones too.
        look: Finds faces in a small picture, RGB, at its own resolution, possible ones too.
    """

    scan: Look
    look: Look


def search(
    detector: Detector, picture: Image.Image, *, turned: bool = True, tiled: bool = True, padded: bool = True
) -> list[DetectedFace]:
    """Find the faces of a picture, in no order.

    Args:
        detector: Looks.
        picture: RGB.
        turned: Turn it where nothing sure is found, and level eyes.
        tiled: Look at a large one part by part.
        padded: Look for faces that its edge cuts.
    """
    possible = detector.scan(picture)
    faces = drop_duplicates(face for face in possible if face.score >= FOUND_SCORE)
    if tiled and max(picture.size) > FINE_SIDE:
        faces = _add(faces, _find_in_tiles(detector, picture), detector, picture)
    if padded:
        weak = [face for face in possible if face.score < FOUND_SCORE and _is_at_edge(face, picture)]
        faces = _add(faces, _find_upright(detector, picture, weak), detector, picture)
    if turned:
        faces.sort(key=lambda face: -face.area)
        closer = [_straighten(detector, picture, face) for face in faces[:MAX_STRAIGHTENED]]
        faces = closer + faces[MAX_STRAIGHTENED:] or _find_turned(detector, picture, possible)
    return [clipped for face in faces if (clipped := _clip(face, picture))]


def drop_duplicates(faces: Iterable[DetectedFace]) -> list[DetectedFace]:
    """Of boxes that are the same face, keep the surest."""
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(_overlap(face, other) <= SAME_FACE_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _add(
    faces: list[DetectedFace], more: Iterable[DetectedFace], detector: Detector, picture: Image.Image
) -> list[DetectedFace]:
    """What another look found too, if a closer one confirms it; what was found before stays as it is."""
    new = [one for one in drop_duplicates(more) if all(_overlap(one, face) <= SAME_FACE_OVERLAP for face in faces)]
    return faces + [checked for one in new if (checked := _confirm(detector, picture, one))]


def _confirm(detector: Detector, picture: Image.Image, face: DetectedFace) -> DetectedFace | None:
    """The face with the score of a closer look; None if that is too low."""
    if face.score > SURE_SCORE:
        return face
    seen = _look_at(detector, picture, face, face.turned_degrees, LEVEL_VIEW_SIDE, LEVEL_VIEW_HEIGHTS)
    return replace(face, second_score=seen.score) if seen and seen.score >= SECOND_SCORE else None


def _find_in_tiles(detector: Detector, picture: Image.Image) -> Iterator[DetectedFace]:
    scale = max(1.0, math.sqrt(picture.width * picture.height / TILE_PIXELS))
    columns, rows = (_divide(length, FINE_SIDE * scale, TILE_OVERLAP * scale) for length in picture.size)
    boxes = [(left, top, right, bottom) for top, bottom in rows for left, right in columns]
    if len(boxes) > MAX_TILES:
        return

    def look(box: Box) -> list[DetectedFace]:
        size = round((box[2] - box[0]) / scale), round((box[3] - box[1]) / scale)
        return detector.look(picture.resize(size, Image.Resampling.BILINEAR, box, reducing_gap=2.0))

    with ThreadPoolExecutor(TILE_THREADS) as pool:
        for box, faces in zip(boxes, pool.map(look, boxes), strict=True):
            for face in faces:
                if face.score >= FOUND_SCORE and face.height <= TILE_FACE_MAX:
                    yield replace(_move(face.scaled(scale), *box[:2]), tiled=True)


def _divide(length: int, longest: float, overlap: float) -> list[tuple[float, float]]:
    """Where tiles begin and end, in pixels: as few as can be, all equally long, and no longer than need be."""
    count = max(1, math.ceil((length - overlap) / (longest - overlap)))
    step = (length - overlap) / count
    return [(i * step, length - (count - 1 - i) * step) for i in range(count)]


def _find_upright(detector: Detector, picture: Image.Image, possible: list[DetectedFace]) -> Iterator[DetectedFace]:
    """Possible faces, where the picture is continued beyond its edges."""
    return _look_closer(detector, picture, possible, [0.0])


def _find_turned(detector: Detector, picture: Image.Image, possible: list[DetectedFace]) -> list[DetectedFace]:
    """What is found in one of the four quarter turns, and upright in one of eight turns."""
    for quarter in (1, 2, 3):
        turned = picture.rotate(90 * quarter, expand=True)
        possible = possible + [
            _turn_back(face, 90.0 * quarter, turned.size, picture.size) for face in detector.scan(turned)
        ]
    found = [_level(detector, picture, face) for face in _look_closer(detector, picture, possible, ALL_TURNS)]
    return drop_duplicates(face for face in found if face.score >= SECOND_SCORE)


def _straighten(detector: Detector, picture: Image.Image, face: DetectedFace) -> DetectedFace:
    """The face itself if it is upright, else as it is found when it is turned."""
    is_doubtful = face.score <= (UPRIGHT_SCORE if (face.aside or 0) >= NOSE_ASIDE else SURE_SCORE)
    if not is_doubtful and abs(face.tilt or 0) < HINT_DEGREES:
        return face
    side = LEVEL_VIEW_SIDE if is_doubtful else HINT_VIEW_SIDE
    seen = _look_at(detector, picture, face, 0.0, side, LEVEL_VIEW_HEIGHTS)
    score = seen.score if seen else 0.0
    start = face
    if is_doubtful and score <= UPRIGHT_SCORE:
        start = next(_look_closer(detector, picture, [face], ALL_TURNS), face)
    elif abs((seen and seen.tilt) or 0) < HINT_VIEW_DEGREES:
        return replace(face, second_score=score) if is_doubtful else face
    turned = _level(detector, picture, start)
    if turned.turned_degrees and turned.score >= max(SECOND_SCORE, score if is_doubtful else 0.0):
        return replace(turned, tiled=face.tiled)
    return replace(face, second_score=score) if is_doubtful else face


def _look_closer(
    detector: Detector, picture: Image.Image, possible: list[DetectedFace], angles: list[float]
) -> Iterator[DetectedFace]:
    """Of each possible face the surest of several turns, in degrees; all turns are looked at at once, side by side."""
    columns = math.ceil(math.sqrt(len(angles) / 2)) * 2 if len(angles) > 1 else 1
    rows = math.ceil(len(angles) / columns)
    side = STEP_VIEW_SIDE
    for face in drop_duplicates(possible)[:MAX_CLOSER]:
        sheet = Image.new("RGB", (columns * side, rows * side))
        views = [View.around(face, angle, side, STEP_VIEW_HEIGHTS) for angle in angles]
        for i, view in enumerate(views):
            sheet.paste(view.cut(picture), (i % columns * side, i // columns * side))
        best: DetectedFace | None = None
        for seen in detector.look(sheet):
            column, row = (int(x // side) for x in seen.centre)
            i = row * columns + column
            if not 0 <= i < len(views) or (best and seen.score <= best.score):
                continue
            local = _move(seen, -column * side, -row * side)
            if views[i].is_central(local):
                best = views[i].to_picture(local)
        if best and best.score >= FOUND_SCORE:
            yield best


def _level(detector: Detector, picture: Image.Image, face: DetectedFace) -> DetectedFace:
    """Turn until the eyes are level, or by a whole quarter if nearly so; the face as found then."""
    angle = face.turned_degrees
    first = _look_at(detector, picture, face, angle, LEVEL_VIEW_SIDE, LEVEL_VIEW_HEIGHTS)
    if first is None:
        return face
    angle = _wrap(angle + (first.tilt or 0))
    second = _look_at(detector, picture, first, angle, LEVEL_VIEW_SIDE, LEVEL_VIEW_HEIGHTS) or first
    angle = _wrap(second.turned_degrees + (second.tilt or 0))
    quarter = 90.0 * round(angle / 90)
    if abs(angle - quarter) < LEVEL_FROM_DEGREES:
        angle = _wrap(quarter)
    return _look_at(detector, picture, second, angle, LEVEL_VIEW_SIDE, LEVEL_VIEW_HEIGHTS) or second


def _look_at(
    detector: Detector, picture: Image.Image, face: DetectedFace, angle: float, side: int, heights: float
) -> DetectedFace | None:
    """The surest face in the middle of a view around a face; None if there is none."""
    view = View.around(face, angle, side, heights)
    seen = [one for one in detector.look(view.cut(picture)) if view.is_central(one)]
    return view.to_picture(max(seen, key=lambda one: one.score)) if seen else None


@dataclass(frozen=True)
class View:
    """A square part of a picture, turned around its centre.

    Attributes:
        centre: In pixels of the picture.
        angle: By which the picture is turned counterclockwise, in degrees.
        side: Of the view, in its own pixels.
        scale: Pixels of the picture, along a side, for each of its own.
    """

    centre: Point
    angle: float
    side: int
    scale: float

    @classmethod
    def around(cls, face: DetectedFace, angle: float, side: int, heights: float) -> "View":
        """A view as large as so many heights of a face."""
        return cls(face.centre, angle, side, max(face.height, 1.0) * heights / side)

    def cut(self, picture: Image.Image) -> Image.Image:
        """Its pixels, RGB; beyond the picture's edges it is reflected."""
        is_quarter = self.angle % 90 == 0
        side = self.side if is_quarter else math.ceil(self.side * math.sqrt(2))
        half = self.scale * side / 2
        x, y = self.centre
        box = (x - half, y - half, x + half, y + half)
        part = None
        if self.scale >= 4:  # then the resizing would begin so, but after reflecting, which took gigabytes
            picture, box = _reduce_inside(picture, box, int(self.scale / 2))
            left, top = math.floor(box[0]), math.floor(box[1])
            part = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
        pixels = cut_reflected(picture, box)
        view = pixels.resize((side, side), Image.Resampling.BILINEAR, part, reducing_gap=2.0)
        view = view.rotate(self.angle, Image.Resampling.BILINEAR)
        margin = (side - self.side) // 2
        return view.crop((margin, margin, margin + self.side, margin + self.side))

    def is_central(self, seen: DetectedFace) -> bool:
        """Whether a face that was found in it is the one in its middle."""
        return math.dist(seen.centre, (self.side / 2, self.side / 2)) <= CENTRE_FRACTION * self.side

    def to_picture(self, seen: DetectedFace) -> DetectedFace:
        """A face that was found in it, in the picture's pixels."""
        x, y = self._to_picture(seen.centre)
        width, height = (self.scale * (seen.whole[i + 2] - seen.whole[i]) / 2 for i in (0, 1))
        points = seen.landmarks_xy and tuple(map(self._to_picture, seen.landmarks_xy))
        angle = _wrap(self.angle)
        return _turned_face((x, y), (width, height), angle, seen.score, points)  # type: ignore[arg-type]

    def _to_picture(self, point: Point) -> Point:
        x, y = (self.scale * (value - self.side / 2) for value in point)
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        return self.centre[0] + x * cos - y * sin, self.centre[1] + x * sin + y * cos


def _reduce_inside(picture: Image.Image, box: Box, factor: int) -> tuple[Image.Image, Box]:
    """What of a box lies in the picture, each side a `factor`-th, and the box in its pixels."""
    x0, y0, x1, y1 = _round_outwards(picture, box)
    left, top = max(x0, 0), max(y0, 0)
    small = picture.reduce(factor, (left, top, min(x1, picture.width), min(y1, picture.height)))
    return small, ((box[0] - left) / factor, (box[1] - top) / factor, (box[2] - left) / factor, (box[3] - top) / factor)


def cut_reflected(picture: Image.Image, box: Box) -> Image.Image:
    """A part of a picture, RGB; beyond its edges it is reflected.

    Args:
        picture: RGB.
        box: Left, top, right, bottom in pixels; shares at least a pixel with the picture.
    """
    x0, y0, x1, y1 = _round_outwards(picture, box)
    inside = picture.crop((max(x0, 0), max(y0, 0), min(x1, picture.width), min(y1, picture.height)))
    pads = (max(0, -y0), max(0, y1 - picture.height)), (max(0, -x0), max(0, x1 - picture.width)), (0, 0)
    return Image.fromarray(np.pad(np.asarray(inside), pads, mode="symmetric")) if np.any(pads) else inside


def _round_outwards(picture: Image.Image, box: Box) -> tuple[int, int, int, int]:
    """A box in whole pixels; if it lies beyond the picture, with the nearest ones of it."""
    x0, y0 = min(math.floor(box[0]), picture.width - 1), min(math.floor(box[1]), picture.height - 1)
    return x0, y0, max(math.ceil(box[2]), 1), max(math.ceil(box[3]), 1)


def _turned_face(centre: Point, half: Point, angle: float, score: float, points: Points | None) -> DetectedFace:
    """A face whose upright box has half the sides `half`, where the picture must be turned by `angle` for it."""
    (x, y), (dx, dy) = centre, half
    whole = (x - dx, y - dy, x + dx, y + dy)
    cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    wide, high = dx * cos + dy * sin, dx * sin + dy * cos
    return DetectedFace((x - wide, y - high, x + wide, y + high), score, points, angle, whole_xyxy=whole)


def _turn_back(face: DetectedFace, angle: float, size: tuple[int, int], picture_size: tuple[int, int]) -> DetectedFace:
    """A face that was found in a picture turned as a whole by quarters, in the upright picture's pixels."""
    x, y = face.centre[0] - size[0] / 2, face.centre[1] - size[1] / 2
    cos, sin = round(math.cos(math.radians(angle))), round(math.sin(math.radians(angle)))
    centre = picture_size[0] / 2 + x * cos - y * sin, picture_size[1] / 2 + x * sin + y * cos
    half = (face.whole[2] - face.whole[0]) / 2, face.height / 2
    return _turned_face(centre, half, _wrap(angle), face.score, None)


def _move(face: DetectedFace, dx: float, dy: float) -> DetectedFace:
    def move(box: Box) -> Box:
        return box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy

    points = face.landmarks_xy and tuple((x + dx, y + dy) for x, y in face.landmarks_xy)
    whole = face.whole_xyxy and move(face.whole_xyxy)
    return replace(face, box_xyxy=move(face.box_xyxy), landmarks_xy=points, whole_xyxy=whole)  # type: ignore[arg-type]


def _clip(face: DetectedFace, picture: Image.Image) -> DetectedFace | None:
    """The face with its box inside the picture; None if it lies outside."""
    left, top, right, bottom = face.box_xyxy
    box = max(left, 0.0), max(top, 0.0), min(right, float(picture.width)), min(bottom, float(picture.height))
    if box == face.box_xyxy:
        return face
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    return replace(face, box_xyxy=box, whole_xyxy=face.whole)


def _is_at_edge(face: DetectedFace, picture: Image.Image) -> bool:
    left, top, right, bottom = face.box_xyxy
    margin = EDGE_FRACTION * face.height
    return min(left, top, picture.width - right, picture.height - bottom) < margin


def _overlap(a: DetectedFace, b: DetectedFace) -> float:
    """The share of the smaller box that lies in both, in [0, 1]."""
    width = min(a.whole[2], b.whole[2]) - max(a.whole[0], b.whole[0])
    height = min(a.whole[3], b.whole[3]) - max(a.whole[1], b.whole[1])
    return max(0.0, width) * max(0.0, height) / min(a.area, b.area)


def _wrap(degrees: float) -> float:
    """The same angle in (-180, 180]."""
    return 180.0 - (180.0 - degrees) % 360.0
