"""The camera: a picture in, what to lay over it out. Pictures stay in memory, and are forgotten with the answer."""

import base64
import binascii
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from PIL import Image

from ...comparison import Comparison, Prediction
from ...faces import DetectedFace, FaceDetector
from ...images import ImageError, read_image
from ...inference import LoadedModel, classify, cut_out
from ...tracking import FaceTracker, FrameRate, Timeline, Track
from ..components.live import render_answers, render_overlay, say_aloud
from ..disagreement import measure_disagreement
from ..locales import DEFAULT_LANGUAGE, LOCALES, translate
from ..turns import turn
from .compare import SHOWN_AT_FIRST

# A visitor's camera runs this long at a stretch, in seconds; then the page stops it, and a button goes on.
TIME_LIMIT_S = 60
# So many visitors may have their camera on at once; the next one is told to wait.
MAX_SESSIONS = 4
# So many of them may have one address, as a school's have, or all behind a proxy that names none of its visitors. One
# visitor shall not hold all places.
MAX_PER_ADDRESS = MAX_SESSIONS - 1
# After its time is up, an address gets no new place for this long, in seconds: pages that wait ask twice meanwhile.
PAUSE_S = 3
# Who has sent no picture for this long, in seconds, has no place any more.
IDLE_S = 5
# The page switches the camera off after this long, in seconds, in another tab. Who comes back before goes on with the
# time that was left.
AWAY_S = 10
# Faces beyond these, the largest, are left out: each costs as much as the first.
MAX_FACES = 4
# Side, in pixels, of the copy of a picture in which faces are looked for.
SEARCH_SIDE = 320
# A picture of 640x480 takes about 50 kB as base64.
MAX_FRAME_CHARACTERS = 1_000_000
# The page sends 640x480; but a PNG of a few kilobytes may have any size.
MAX_FRAME_PIXELS = 1920 * 1080


@dataclass
class Session:
    """What is remembered of a visitor's camera: boxes and probabilities, no picture.

    Attributes:
        address: Where its pictures come from.
        started_s: When it was switched on.
        seen_s: When its last picture came.
        busy: Held while a picture is worked on; another one of the same camera is turned away meanwhile.
    """

    address: str
    started_s: float
    seen_s: float
    busy: Lock = field(default_factory=Lock)
    tracker: FaceTracker = field(default_factory=FaceTracker)
    frame_rate: FrameRate = field(default_factory=FrameRate)
    timeline: Timeline = field(default_factory=Timeline)
    followed: Track | None = None
    shown_models: list[str] = field(default_factory=list)

    def follow(self, tracks: Sequence[Track], shown_models: list[str]) -> Track | None:
        """Stay with one face, whose timeline is drawn: the same as before until it has left, then the largest.

        Returns:
            Its track; None if it is not in this picture.
        """
        if self.followed is None or not self.tracker.remembers(self.followed):
            self.followed = tracks[0] if tracks else None
            if tracks:
                self.timeline.clear()
        if shown_models != self.shown_models:
            self.shown_models = shown_models
            self.timeline.clear()
        return self.followed if self.followed in tracks else None


@dataclass(frozen=True)
class LiveHandlers:
    """The tab's actions, with the models and the detector they use.

    Attributes:
        models: The models.
        detector: Finds the faces.
        clock: Seconds that never go back.
    """

    models: Sequence[LoadedModel]
    detector: FaceDetector
    clock: Callable[[], float] = time.monotonic
    _sessions: dict[str, Session] = field(default_factory=dict)
    _paused_until_s: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def describe_page(self, language: str) -> dict[str, Any]:
        """What the page's script needs in a language.

        Returns:
            `language`; `words`, by their ids; `models`, their names; `empty`, the answers before there are any;
            `limit_s`, after how many seconds the camera stops; `away_s`, after how many in another tab.
        """
        words = {key: text for key, text in LOCALES[language].items() if key.startswith(("live.", "split."))}
        words["live.over"] = translate(language, "live.over", seconds=TIME_LIMIT_S)
        words["live.lost"] = translate(language, "error.offline")
        words["live.broken"] = translate(language, "error.camera_busy")
        empty = render_answers(None, self.models[:SHOWN_AT_FIRST], Timeline(), 0.0, language)
        names = [model.name for model in self.models]
        times = {"limit_s": TIME_LIMIT_S, "away_s": AWAY_S}
        return {"language": language, "words": words, "models": names, "empty": empty, **times}

    def look(self, request: Mapping[str, Any], address: str) -> dict[str, Any]:
        """Find the faces of a picture and classify them.

        Args:
            request: `session`, an id that the page made up when its camera was switched on; `previous`, the one before,
                which is over; `frame`, a JPEG as a data URL, not mirrored; `model`, the model that is shown, or empty
                for those that Compare shows at first; `mirrored`, whether the page shows the picture mirrored;
                `language`.
            address: Where it comes from.

        Returns:
            `status`: `live`; or why there is no answer, the rest of an id of `locales.LOCALES`: `live.over`, the time
            is up; `live.full`, too many visitors; `live.pause`, others come first for some seconds; `live.busy`, the
            picture before is not answered yet; `live.unreadable`, this is no picture. If `live`, also `overlay` and
            `answers`, HTML; `spoken`, one sentence; `fps`, frames per second; `faces`, how many; `votes`, how many
            models chose each label, most first; and `split`, how far they are apart on the followed face.
        """
        now_s = self.clock()
        session_id, previous_id = (str(request.get(name))[:64] for name in ("session", "previous"))
        session = self._enter(session_id, previous_id, address, now_s)
        if isinstance(session, str):
            return {"status": session}
        if not session.busy.acquire(blocking=False):
            return {"status": "busy"}
        try:
            with turn:
                return self._answer(session, request, now_s)
        except ImageError:
            return {"status": "unreadable"}
        finally:
            session.busy.release()

    def _enter(self, session_id: str, previous_id: str, address: str, now_s: float) -> Session | str:
        """The camera's session; or the status of an answer without one."""
        with self._lock:
            if session_id not in self._sessions:
                self._sessions.pop(previous_id, None)
            for other in [key for key, session in self._sessions.items() if now_s - session.seen_s > AWAY_S + IDLE_S]:
                del self._sessions[other]
            for other in [key for key, until_s in self._paused_until_s.items() if now_s > until_s]:
                del self._paused_until_s[other]
            session = self._sessions.get(session_id)
            others = [one for one in self._sessions.values() if one is not session and now_s - one.seen_s <= IDLE_S]
            if len(others) >= MAX_SESSIONS or sum(one.address == address for one in others) >= MAX_PER_ADDRESS:
                return "full"
            if session is None:
                if address in self._paused_until_s:
                    return "pause"
                session = self._sessions[session_id] = Session(address, now_s, now_s)
            session.seen_s = now_s
            if now_s - session.started_s > TIME_LIMIT_S:
                del self._sessions[session_id]
                self._paused_until_s[address] = now_s + PAUSE_S
                return "over"
            return session

    def _answer(self, session: Session, request: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        image = _read_frame(request.get("frame"))
        language = str(request.get("language"))
        language = language if language in LOCALES else DEFAULT_LANGUAGE
        models = [model for model in self.models if model.name == request.get("model")] or self.models[:SHOWN_AT_FIRST]
        faces = self._detect(image)
        tracks = session.tracker.update(faces, now_s)
        comparisons = [
            _smooth(one, track, now_s)
            for one, track in zip(classify(cut_out(image, faces, faces), models), tracks, strict=True)
        ]
        followed = session.follow(tracks, [model.name for model in models])
        comparison = comparisons[tracks.index(followed)] if followed else None
        if comparison:
            session.timeline.add(comparison.average, now_s)
        frame_rate = session.frame_rate.add(now_s)
        mirrored = bool(request.get("mirrored"))
        return {
            "status": "live",
            "overlay": render_overlay(comparisons, comparison, image.size, mirrored, frame_rate, language),
            "answers": render_answers(comparison, models, session.timeline, now_s, language),
            "spoken": say_aloud(comparison, language),
            "fps": round(frame_rate, 2),
            "faces": len(faces),
            "votes": [len(names) for _, names in comparison.votes] if comparison else [],
            "split": measure_disagreement([one.probabilities for one in comparison.predictions] if comparison else []),
        }

    def _detect(self, image: Image.Image) -> list[DetectedFace]:
        """The largest faces, found in a small copy: the detector's fine look and its turns take too long here."""
        small = image.copy()
        small.thumbnail((SEARCH_SIDE, SEARCH_SIDE), Image.Resampling.BILINEAR)
        scale = image.width / small.width
        return [face.scaled(scale) for face in self.detector.detect(small, turned=False)[:MAX_FACES]]


def _smooth(comparison: Comparison, track: Track, now_s: float) -> Comparison:
    """What the models make of a face, its bars smoothed over time, and not its label."""
    predictions = []
    for one in comparison.predictions:
        smoothed = track.smooth(one.model, one.probabilities, now_s)
        if max(smoothed, key=smoothed.__getitem__) != one.winner:
            del track.probabilities[one.model]
            smoothed = track.smooth(one.model, one.probabilities, now_s)
        predictions.append(Prediction(one.model, smoothed, one.latency_ms))
    return replace(comparison, crop=None, predictions=predictions)


def _read_frame(frame: Any) -> Image.Image:
    """The picture of a data URL, RGB.

    Raises:
        ImageError: It is none, or too large.
    """
    if not isinstance(frame, str) or len(frame) > MAX_FRAME_CHARACTERS:
        raise ImageError("not_an_image", "A picture of the camera is a data URL of less than a megabyte.")
    try:
        content = base64.b64decode(frame.partition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError("not_an_image", f"A picture of the camera is a base64 data URL: {error}.") from error
    return read_image(content, MAX_FRAME_PIXELS)
