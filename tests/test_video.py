from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import av
import numpy as np
import pytest
from photos import load_portrait
from PIL import Image
from videos import SIZE, make_empty_picture, make_picture, write_matrix, write_video

from fer_models import video
from fer_models.comparison import Comparison
from fer_models.demo.components.annotate import AnnotatedVideo
from fer_models.faces import DetectedFace, FaceDetector
from fer_models.inference import LoadedModel
from fer_models.kinds import is_picture, is_video, read_head
from fer_models.video import Moment, VideoError, analyze_video, read_frames, to_row


def read_until_error(path: Path, frames_per_second: float, **options: Any) -> tuple[list[float], str | None]:
    """The times of the pictures that can be read, and the reason why there are no more."""
    times = []
    try:
        for time_s, *_ in read_frames(path, frames_per_second, **options):
            times.append(time_s)
    except VideoError as error:
        return times, error.reason
    return times, None


def read_times(path: Path, frames_per_second: float) -> list[float]:
    return [round(time_s, 3) for time_s, *_ in read_frames(path, frames_per_second)]


def refuse(path: Path, **options: Any) -> str:
    """The reason why nothing of a video is read."""
    with pytest.raises(VideoError, match=r"\.$") as caught:
        list(read_frames(path, 4, **options))
    return caught.value.reason


def test_pictures_are_taken_at_about_even_times_and_keep_their_own(tmp_path: Path) -> None:
    for times_s, frames_per_second, expected in (
        ([0.0], 4, [0.0]),
        ([index / 10 for index in range(10)], 4, [0.0, 0.3, 0.5, 0.8]),
        ([0.0, 0.05, 0.1, 1.0, 1.05, 4.0, 4.1], 1, [0.0, 1.0, 4.0]),  # at a rate that varies
        ([5.0, 5.5, 6.0], 10, [0.0, 0.5, 1.0]),  # starts late, and has fewer than asked for
    ):
        path = write_video(tmp_path / "a.mp4", len(times_s), times_s=times_s)
        assert read_times(path, frames_per_second) == expected


def assert_upright(path: Path) -> None:
    ((_, _, image, scale),) = read_frames(path, 1)
    assert image.size == SIZE
    assert scale == 1
    assert np.abs(np.asarray(image, float) - np.asarray(make_picture(), float)).mean() < 8


def test_a_video_that_a_phone_took_sideways_is_upright(tmp_path: Path) -> None:
    sideways = make_picture().rotate(-90, expand=True)
    for name in ("a.mov", "a.mkv"):
        assert_upright(write_video(tmp_path / name, 1, lambda _: sideways, rotation=90))


MATRICES = {
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, 1, -1, 0): Image.Transpose.ROTATE_90,  # a player turns it by a quarter clockwise
    (0, -1, 1, 0): Image.Transpose.ROTATE_270,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}


def test_a_video_is_shown_by_its_whole_matrix(tmp_path: Path) -> None:
    for matrix, turn in MATRICES.items():
        path = write_video(tmp_path / "a.mp4", 1, lambda _, turn=turn: make_picture().transpose(turn))
        assert_upright(write_matrix(path, matrix))


@pytest.mark.parametrize("suffix", ["mkv", "ts", "flv", "mpg"])
def test_a_video_whose_clock_starts_late_is_whole(suffix: str, tmp_path: Path) -> None:
    """It was said to be cut short, and 102 s long."""
    times_s = [100 + index / 5 for index in range(25)]
    path = write_video(tmp_path / f"a.{suffix}", 25, times_s=times_s, frames_per_second=5)
    found = list(read_frames(path, 4, max_duration_s=10))
    assert found[0][0] == 0
    assert found[-1][0] == pytest.approx(4.8, abs=0.2)
    assert {round(duration_s or 0) for _, duration_s, *_ in found} == {5}


def test_a_video_whose_last_picture_or_sound_lasts_is_whole(tmp_path: Path) -> None:
    """It was said to be cut short."""
    slow, loud = {"frames_per_second": Fraction(1, 5)}, {"sound_s": 9}
    for suffix, options in (("mp4", slow), ("mkv", slow), ("mkv", loud), ("flv", loud)):
        times, reason = read_until_error(write_video(tmp_path / f"a.{suffix}", 3, **options), 10)
        assert (len(times), reason) == (3, None)


FORMATS = ("mp4", "mov", "matroska", "avi", "mpegts", "mpegts with times", "mpeg", "flv", "asf", "3gp")


@pytest.mark.parametrize("format", FORMATS)
def test_a_video_is_known_by_its_content(format: str, tmp_path: Path) -> None:
    name, _, with_times = format.partition(" with ")
    path = write_video(tmp_path / "without-a-suffix", 5, format=name)
    if with_times:  # as cameras write them: four more bytes before each packet
        content = path.read_bytes()
        packets = [content[start : start + 188] for start in range(0, len(content), 188)]
        path.write_bytes(b"".join(bytes(4) + packet for packet in packets))
    assert is_video(read_head(path))
    assert not is_picture(read_head(path))
    assert len(read_times(path, 10)) >= 3


def test_other_files_are_neither_picture_nor_video() -> None:
    for content in (b"", b"Get free things\n" * 50, b"RIFF1234WAVE", b"PK\3\4", b"BMW makes cars"):
        assert not is_picture(content)
        assert not is_video(content)


def test_a_title_in_unknown_letters_does_not_cost_the_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", 5, title="x" * 20)
    path.write_bytes(path.read_bytes().replace(b"x" * 20, b"\xe9\xff" * 10))
    assert len(read_times(path, 10)) == 5


def test_large_pictures_are_made_smaller_and_boxes_are_told_in_the_videos_pixels(
    tmp_path: Path, models: list[LoadedModel], detector: FaceDetector
) -> None:
    large = make_picture().resize((2048, 1536))
    (moment,) = analyze_video(write_video(tmp_path / "a.mp4", 1, lambda _: large), models[:1], detector)
    assert max(moment.image.size) < 1100
    alone = detector.detect(large)[0]
    assert moment.comparison.face.box_xyxy == pytest.approx(alone.box_xyxy, abs=0.05 * alone.height)


def test_what_is_no_video_gets_a_sentence_and_opens_no_other_file(tmp_path: Path) -> None:
    write_video(tmp_path / "other.mp4", 3)
    playlist = b"#EXTM3U\n#EXTINF:10,\nother.mp4\n#EXT-X-ENDLIST\n"
    for name in ("a.mp4", "a.m3u8"):
        assert refuse(tmp_path / name) == "video_missing"
        for content in (b"", b"no video", playlist):
            (tmp_path / name).write_bytes(content)
            assert refuse(tmp_path / name) == "video_unreadable"


def test_sound_alone_and_a_song_with_its_cover_are_no_video(tmp_path: Path) -> None:
    assert refuse(write_video(tmp_path / "sound.mp4", 0, sound_s=1)) == "video_without_pictures"
    assert len(read_times(write_video(tmp_path / "both.mp4", 10, sound_s=1), 5)) == 5
    cover = BytesIO()
    load_portrait().save(cover, format="JPEG")
    song = write_video(tmp_path / "song.mkv", 0, sound_s=1, cover=cover.getvalue())
    assert refuse(song) == "video_without_pictures", "FFmpeg takes the cover for a stream of pictures"


def test_long_and_large_videos_are_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mp4", 30)
    monkeypatch.setattr(video, "_decode", lambda *_: pytest.fail("nothing is read"))
    assert refuse(path, max_duration_s=2) == "video_too_long"
    monkeypatch.setattr(video, "MAX_FRAME_PIXELS", 100)
    assert refuse(path) == "video_too_large"


def test_a_video_that_lies_about_its_length_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4", 40)
    monkeypatch.setattr(video, "_read_duration", lambda *_: None)
    times, reason = read_until_error(path, 2, max_duration_s=2)
    assert reason == "video_too_long"
    assert times == pytest.approx([0, 0.5, 1, 1.5, 2])


@pytest.mark.parametrize(("suffix", "start_s"), [("mkv", 0), ("mkv", 100), ("mp4", 0)])
def test_a_video_that_is_cut_short_is_read_to_where_it_ends(suffix: str, start_s: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 60, 80, 3), dtype=np.uint8)
    times_s = [start_s + index / 5 for index in range(30)]
    path = write_video(tmp_path / f"a.{suffix}", 30, lambda i: Image.fromarray(noise[i]), 5, times_s, faststart=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    times, reason = read_until_error(path, 5)
    assert reason == "video_cut"
    assert 1 < times[-1] < 5


def test_a_video_that_is_cut_before_its_first_picture_has_none(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 3, faststart=True)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"mdat") + 4])
    assert read_until_error(path, 4) == ([], "video_without_pictures")


def test_damage_in_the_middle_does_not_end_the_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", 60)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(300)
    path.write_bytes(content)
    times, _ = read_until_error(path, 5)
    assert times[-1] > 5


def test_the_face_is_followed_and_gaps_stay_gaps(
    tmp_path: Path, models: list[LoadedModel], detector: FaceDetector
) -> None:
    def make_frame(index: int) -> Image.Image:
        return make_empty_picture() if 2 <= index < 4 else make_picture(10 * index)

    moments = list(analyze_video(write_video(tmp_path / "a.mp4", 6, make_frame), models, detector, 10))
    assert moments[0].duration_s == pytest.approx(0.6, abs=0.2)
    lefts = [moment.comparison.face.box_xyxy[0] for moment in moments if moment.comparison.face]
    assert lefts == sorted(lefts)
    rows = [to_row(moment, models) for moment in moments]
    assert [len(row["models"]) for row in rows] == [len(models)] * 2 + [0] * 2 + [len(models)] * 2
    assert (rows[2]["faces"], rows[2]["face"], rows[2]["favourite"]) == (0, None, None)
    assert rows[5]["time_s"] == pytest.approx(0.5, abs=0.01)


SMALL, NEAR, LARGE = (10.0, 10.0, 50.0, 50.0), (14.0, 10.0, 54.0, 50.0), (150.0, 50.0, 300.0, 200.0)


def test_the_main_face_is_the_same_for_as_long_as_it_is_in_sight(tmp_path: Path, models: list[LoadedModel]) -> None:
    for found, looked_at in (
        ([[], []], [None, None]),
        ([[LARGE, SMALL], [LARGE, SMALL]], [LARGE, LARGE]),
        ([[SMALL], [LARGE, NEAR], [LARGE, SMALL]], [SMALL, NEAR, SMALL]),  # it stays when a larger one comes
        ([[SMALL], [LARGE], [LARGE], [LARGE], [LARGE]], [SMALL, None, None, LARGE, LARGE]),  # gone, then the largest
    ):
        path = write_video(tmp_path / "a.mp4", len(found), frames_per_second=2)
        detector = Mock(detect=Mock(side_effect=[[DetectedFace(box, 0.9) for box in boxes] for boxes in found]))
        faces = [moment.comparison.face for moment in analyze_video(path, models[:1], detector, 2)]
        assert [face and face.box_xyxy for face in faces] == looked_at


def test_the_annotated_video_has_the_pictures_that_were_looked_at(
    tmp_path: Path, models: list[LoadedModel], detector: FaceDetector
) -> None:
    path = write_video(tmp_path / "a.mp4", 5, times_s=[0, 0.1, 0.5, 0.6, 2], sound_s=1)
    moments = list(analyze_video(path, models[:1], detector, 2))
    with AnnotatedVideo(tmp_path / "out.mp4", lambda comparison: f"{comparison.favourite} ñ") as annotated:
        for moment in moments:
            annotated.add(moment)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264"], "without the sound"
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx([moment.time_s for moment in moments], abs=0.002)
    left, top, _, bottom = (round(side) for side in moments[0].comparison.face.box_xyxy)
    red, green, blue = frames[0].to_image().getpixel((left + 1, (top + bottom) // 2))
    assert min(green, blue) > red + 60, "the box has its colour"
    before, after = (np.asarray(image, float)[:, -20:] for image in (moments[0].image, frames[0].to_image()))
    assert np.abs(before - after).mean() < 8, "elsewhere the picture is as it was"


def test_odd_sizes_and_sizes_that_change_are_written(tmp_path: Path) -> None:
    with AnnotatedVideo(tmp_path / "out.mp4", str) as annotated:
        for index, size in enumerate([(101, 75), (64, 48), (200, 31)]):
            annotated.add(Moment(index / 4, None, Image.new("RGB", size), 1.0, Comparison([], None, None, [])))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert {(frame.width, frame.height) for frame in container.decode(video=0)} == {(102, 76)}


def test_a_picture_is_no_video_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "photo.mp4"
    for format in ("PNG", "GIF", "JPEG", "AVIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000"):
        for grey in (0, 0x47):  # with which each packet of MPEG-TS begins
            Image.new("RGB", (64, 64), (grey,) * 3).save(path, format)
            assert (is_picture(read_head(path)), is_video(read_head(path))) == (True, False), (format, grey)
