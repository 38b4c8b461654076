"""The page that runs in the visitor's browser: same answers as here, offline, nothing sent, nothing kept."""

import base64
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from browsing import BROWSER, drop, find_violations, needs_chromium
from hub_server import HubServer
from huggingface_hub import HfApi
from photos import as_png, load_portrait, make_no_face, make_two_faces, portrait_as_png, write_animations
from PIL import Image

from fer_models.comparison import Comparison, Prediction
from fer_models.configuration_fer import FER_LABELS
from fer_models.demo.components.compare import describe_verdict
from fer_models.demo.locales import translate
from fer_models.face_search import cut_reflected
from fer_models.faces import FaceDetector
from fer_models.images import read_image
from fer_models.inference import LoadedModel, compare, load_models, to_json
from fer_models.zoo import REPORT_MODELS, get_default_tag
from training.benchmarks.browser_photos import ask, compare_answers
from training.publishing import push, static_page, static_settings, static_space
from training.publishing.static_page import PAGE_DIR, StaticHandler, build_static, serve
from training.publishing.static_settings import collect_numbers

pytestmark = [needs_chromium, pytest.mark.slow, pytest.mark.timeout(600)]

FILES = PAGE_DIR.parent
ONE = REPORT_MODELS[0]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "files.json").write_text("[]")
    for target in (tmp_path, tmp_path / "thesis", tmp_path / "thesis" / "files.json"):
        with pytest.raises(ValueError, match="is no page that was written here: "):
            build_static(target)
    (tmp_path / "files.json").write_text(json.dumps(["files.json"]))
    with pytest.raises(ValueError, match=r"written here: thesis/files\.json"):
        build_static(tmp_path)
    assert (tmp_path / "thesis" / "files.json").read_text() == "[]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    collect = cache(static_page.collect_static)
    with pytest.MonkeyPatch.context() as patch:
        # One of each, and one of another tag: an export takes a second.
        patch.setattr(static_settings, "list_tags", lambda name: [get_default_tag(name), *["report"] * (name == ONE)])
        for module in (static_page, static_space):
            patch.setattr(module, "collect_static", collect)
        try:
            yield build_static(tmp_path_factory.mktemp("static") / "page")
        except OSError as error:
            if "npm" not in str(error):
                raise
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with serve(folder) as url:
        yield url


@contextmanager
def open_page(url: str, wait_for: str = "html[data-ready]", **options: Any) -> Iterator[Any]:
    """A page in a window of its own; `service_workers="block"` spares what is kept for the next visit."""
    defaults = {"locale": "en-US", "viewport": {"width": 1440, "height": 900}}
    page = BROWSER.start().new_context(**defaults | options).new_page()
    page.set_default_timeout(120_000)
    page.goto(url)
    page.wait_for_selector(wait_for)
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def page(url: str) -> Iterator[Any]:
    with open_page(url) as page:
        yield page


def choose(page: Any, content: bytes, kind: str = "image/png") -> None:
    page.set_input_files("#file", {"name": "me.png", "mimeType": kind, "buffer": content})


def as_jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, **options)
    return buffer.getvalue()


def make_small_face() -> Image.Image:
    """A face that is only found by looking at the photo part by part."""
    image = Image.new("RGB", (2400, 1800), "grey")
    image.paste(load_portrait().resize((128, 150)), (1250, 1190))
    return image


def turned_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return as_jpeg(load_portrait().rotate(90, expand=True), exif=exif)


# --- the same answers ---


PHOTOS: dict[str, tuple[Callable[[], bytes], dict[str, Any]]] = {
    "a photo": (lambda: as_jpeg(load_portrait()), {}),
    "the second face": (lambda: as_png(make_two_faces()), {"face": 1, "tag": "report"}),
    "turned": (lambda: as_png(load_portrait().rotate(130, expand=True)), {}),
    "exif": (turned_by_exif, {"tag": "report"}),
    "large, cut by the edge": (lambda: as_png(load_portrait().crop((200, 130, 360, 400)).resize((800, 1350))), {}),
    "whole, large": (
        lambda: as_png(load_portrait().crop((170, 115, 390, 335)).resize((1450, 1050))),
        {"whole": True},
    ),
    "no face": (lambda: as_png(make_no_face()), {}),
    "small in a large one": (lambda: as_png(make_small_face()), {}),
}


@pytest.mark.parametrize(("make", "options"), PHOTOS.values(), ids=PHOTOS)
def test_answer_is_the_package_s(
    make: Callable[[], bytes], options: dict[str, Any], page: Any, models: list[LoadedModel], detector: FaceDetector
) -> None:
    content, models = make(), models[: len(REPORT_MODELS)]
    if "tag" in options:  # the others were not trained so: see `folder`
        models = [*load_models([ONE], options["tag"]), *models[1:]]
    comparison = compare(read_image(content), models, detector, options.get("whole", False), options.get("face", 0))
    ours, theirs = to_json(comparison, models), ask(page, content, **options)
    assert list(theirs) == list(ours)
    assert compare_answers([ours], [theirs])["same"], (ours, theirs)
    for key in ("face_index", "votes", "favourite", "agreement", "sure"):
        assert theirs[key] == ours[key], key
    assert [hint["id"] for hint in theirs["hints"]] == [hint["id"] for hint in ours["hints"]]
    for one, two in zip(ours["models"], theirs["models"], strict=True):
        for key in one.keys() - {"probabilities", "latency_ms"}:
            assert two[key] == one[key], key


@pytest.mark.parametrize(
    "answers",
    [
        [("sad", 0.9)],
        [("sad", 0.9)] * 4,
        [("sad", 0.9)] * 3 + [("happy", 0.5)],
        [("sad", 0.35)] * 3 + [("happy", 0.9)],
        [("sad", 0.5)] * 2 + [("happy", 0.5), ("fear", 0.5)],
    ],
    ids=["one model", "all agree", "one does not", "another is more probable", "half of them"],
)
def test_verdict_and_majority_are_the_other_page_s(answers: list[tuple[str, float]], page: Any) -> None:
    predictions = [
        Prediction(f"m{i}", {label: share if label == winner else (1 - share) / 6 for label in FER_LABELS}, 1.0)
        for i, (winner, share) in enumerate(answers)
    ]
    code = """async (models) => {
        const { summarize } = await import("./summary.js");
        const { describeVerdict, renderCards } = await import("./view.js");
        const answer = { models, hints: [], ...summarize(models, []) };
        const cards = renderCards(models.map((one) => ({ ...one, winner: "sad" })), answer);
        const written = [];
        CanvasRenderingContext2D.prototype.fillText = function (text, x) {
            written.push([text, x + this.measureText(text).width <= this.canvas.width]);
        };
        (await import("./save.js")).savePng(answer);
        return [describeVerdict(answer), cards.querySelectorAll(".fer-agrees").length > 0, written];
    }"""
    models = [{"model": one.model, "probabilities": one.probabilities, "test_labels": "people"} for one in predictions]
    verdict, has_majority, written = page.evaluate(code, models)
    comparison = Comparison([], None, None, predictions)
    assert tuple(verdict) == describe_verdict(comparison, "en")
    assert has_majority == (len(answers) > 1 and verdict[0] != "They disagree.")
    lines = [text for text, fits in written if fits]
    assert " ".join(lines).startswith(" ".join(verdict)), "a saved picture has room for it"


BILINEAR, BICUBIC = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (91, 91, 3), dtype=np.uint8))
WIDE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (700, 901, 3), dtype=np.uint8))
PIXELS: list[tuple[str, Image.Image, list[Any], Any]] = [
    ("toGrey", NOISE, [], NOISE.convert("L")),
    ("resize", NOISE, [48, 48], NOISE.resize((48, 48), BILINEAR)),
    ("resize", NOISE, [200, 130], NOISE.resize((200, 130), BILINEAR)),
    ("resize", WIDE, [48, 31, [0, 0, 901, 700], 2], WIDE.resize((48, 31), BILINEAR, reducing_gap=2.0)),
    (
        *("resize", WIDE, [128, 61, [10.3, 20.7, 500.2, 600.1], 2]),
        WIDE.resize((128, 61), BILINEAR, (10.3, 20.7, 500.2, 600.1), reducing_gap=2.0),
    ),
    ("rotateQuarter", NOISE, [1], NOISE.rotate(90, expand=True)),
    ("rotate", NOISE, [33.3], NOISE.rotate(33.3, BILINEAR)),
    ("rotate", NOISE, [-45, True], NOISE.rotate(-45, BICUBIC)),
    ("cutReflected", NOISE, [[-200.5, -100.2, 30.3, 95.9]], cut_reflected(NOISE, (-200.5, -100.2, 30.3, 95.9))),
]


def test_pixels_are_pillow_s(page: Any) -> None:
    code = """async ([name, [width, height], text, rest]) => {
        const pixels = await import("./pixels.js");
        const data = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
        const made = pixels[name](pixels.makePicture(width, height, 3, data), ...rest);
        return [made.width, made.height, Array.from(made.data)];
    }"""
    for name, image, arguments, expected in PIXELS:
        text = base64.b64encode(np.asarray(image).tobytes()).decode()
        width, height, data = page.evaluate(code, [name, image.size, text, arguments])
        assert (width, height) == expected.size, (name, arguments)
        difference = np.abs(np.array(data) - np.asarray(expected).astype(int).ravel())
        assert difference.max() <= 1, (name, arguments)
        assert difference.mean() < 0.001, (name, arguments)


# --- nothing is sent, nothing is kept, and no network is needed ---


def test_no_request_leaves_and_no_storage_holds_a_picture(page: Any, url: str) -> None:
    asked: list[tuple[str, str]] = []
    page.context.on("request", lambda request: asked.append((request.method, request.url)))
    page.reload()
    page.wait_for_selector("html[data-ready]")
    page.click("#examples button >> nth=0")
    page.wait_for_selector(".fer-verdict")
    choose(page, as_png(make_two_faces()))
    page.wait_for_selector("#faces:not([hidden])")
    assert [request for request in asked if request[0] != "GET" or not request[1].startswith((url, "blob:"))] == []
    kept, *others = page.evaluate(
        """async () => {
            const kept = [];
            for (const name of await caches.keys()) {
                for (const { url } of await (await caches.open(name)).keys()) kept.push(new URL(url).pathname);
            }
            const databases = await indexedDB.databases();
            return [kept, databases.length, localStorage.length, sessionStorage.length, document.cookie];
        }"""
    )
    assert others == [0, 0, 0, ""]
    assert [path for path in kept if re.search("blob|me.png", path)] == []


def test_second_visit_needs_no_network_and_a_new_version_replaces_the_old(folder: Path) -> None:
    worker = folder / "service_worker.js"
    content = worker.read_text()
    with serve(folder) as url, open_page(url) as page:
        page.evaluate("navigator.serviceWorker.ready")
        page.wait_for_function("async () => (await caches.keys()).length && navigator.serviceWorker.controller")
        page.context.set_offline(True)
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.click("#examples button >> nth=0")
        page.wait_for_selector(".fer-verdict")
        assert ask(page, as_jpeg(load_portrait()), tag="report") == "models"
        page.context.set_offline(False)
        assert page.evaluate("caches.keys()") != ["fer-another"]
        try:
            worker.write_text(re.sub(r'version = "\w+"', 'version = "another"', content))
            page.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
            page.reload()
            another = page.context.new_page()
            page.close()  # the old version stays until no page shows it
            another.goto(url)
            another.wait_for_function("async () => (await caches.keys()).join() === 'fer-another'")
        finally:
            worker.write_text(content)


@pytest.mark.usefixtures("folder")
def test_what_a_static_space_serves_answers_without_a_network(hub: HubServer, tmp_path: Path) -> None:
    """From the push to the loopback Hub, over what arrived there, to a face."""
    push.main(["--static-space", "alice/fer-static"])
    repo = hub.repo("alice/fer-static", "space")
    assert repo.settings["sdk"] == "static"
    push.main(["--static-space", "alice/fer-static"])
    assert len(repo.log("main")) == 2, "one commit on top of the Hub's own"
    back = Path(HfApi().snapshot_download("alice/fer-static", repo_type="space", local_dir=tmp_path / "space"))
    header = yaml.safe_load((back / "README.md").read_text().split("---\n")[1])
    assert header["sdk"] == "static"
    assert (back / header["app_file"]).is_file()
    with serve(back) as url, open_page(url, service_workers="block") as page:
        page.context.set_offline(True)
        assert ask(page, as_jpeg(load_portrait()))["favourite"] == "neutral"


def test_policy_allows_the_page_itself_alone(folder: Path) -> None:
    policy = re.findall('http-equiv="Content-Security-Policy" content="(.*?)"', (folder / "index.html").read_text())[0]
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"https?:|\*|unsafe-inline|'unsafe-eval'", policy)


# --- bad input ---


BAD_FILES = {
    "empty": b"",
    "not_an_image": b"hello, this is a letter",
    "unreadable": portrait_as_png()[:200],
    "heic": b"\0\0\0\x18ftypheic" + bytes(100),
    "video": b"\0\0\0\x18ftypisom" + bytes(100),
    "too_large": as_png(Image.new("1", (7_100, 7_100))),
}


@pytest.mark.parametrize("reason", BAD_FILES)
def test_bad_file_is_one_sentence_and_the_page_goes_on(reason: str, page: Any) -> None:
    content = BAD_FILES[reason]
    assert ask(page, content) == reason
    choose(page, content, "application/octet-stream")
    page.wait_for_selector("#results [role=alert]")
    text = page.inner_text("#results")
    assert text.endswith(".")
    assert "{" not in text
    page.click("#examples button >> nth=0")
    page.wait_for_selector("#results .fer-verdict")


def test_what_there_is_not_is_refused(page: Any) -> None:
    for options, reason in (
        ({"face": 1}, "no_such_face"),
        ({"tag": "tunde"}, "unexpected"),
        ({"models": ["none"]}, "unexpected"),
    ):
        assert ask(page, as_jpeg(load_portrait()), **options) == reason, options


def test_animation_is_told_and_no_face_offers_the_whole_picture(page: Any, tmp_path: Path) -> None:
    path, _ = write_animations(tmp_path)
    assert "animated" in [hint["id"] for hint in ask(page, path.read_bytes(), "image/gif")["hints"]]
    choose(page, as_png(make_no_face()))
    page.wait_for_selector("#whole")
    page.click("#whole")
    page.wait_for_selector(".fer-verdict.fer-unsure")


@pytest.mark.parametrize(
    ("missing", "length"),
    [("models/baseline.ferplus-", None), ("runtime/ort-wasm-simd-threaded.wasm.gz", 5000), ("/worker.js", None)],
    ids=["a model is gone", "the runtime is cut", "the script of the worker is gone"],
)
def test_what_does_not_load_is_told(missing: str, length: int | None, folder: Path) -> None:
    class Handler(StaticHandler):
        def do_GET(self) -> None:  # noqa: N802
            if missing not in self.path:
                return super().do_GET()
            if length is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write((folder / self.path[1:]).read_bytes()[:length])

    alert = "#results [role=alert]"
    with serve(folder, Handler) as url, open_page(url, wait_for=alert, service_workers="block") as page:
        assert page.inner_text("#results").endswith("then reload the page.")
        assert ask(page, as_jpeg(load_portrait())) == "models", "what is asked later is answered, too"


# --- the page itself ---


def test_notice_says_how_often_the_chosen_models_are_wrong(page: Any) -> None:
    said = page.inner_text("#notice-short")
    page.check("#tags [value=report]")
    assert page.inner_text("#notice-short") not in (said, "")
    page.check("#tags input >> nth=0")
    assert page.inner_text("#notice-short") == said


def test_live_answers_and_stops_and_refused_and_missing_cameras_are_told(url: str) -> None:
    with open_page(url, permissions=["camera"], service_workers="block") as page:
        page.click("#tab-live")
        page.click("#live-button")
        page.wait_for_function("() => Number(document.querySelector('#stage').dataset.fps) > 0")
        assert page.inner_text("#live-results")
        page.click("#live-button")
        assert page.evaluate("document.querySelector('#stage video').srcObject") is None
        fail = "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }"
        for name, words in (
            ("NotAllowedError", "does not let"),
            ("NotFoundError", "No camera"),
            ("AbortError", "another"),
        ):
            page.evaluate(fail, name)
            page.click("#live-button")
            page.wait_for_selector(f"#live-message[role=alert] >> text={words}")
        page.select_option("#language", "es")
        assert page.inner_text("#live-message").strip() == translate("es", "error.camera_busy")


def test_live_smooths_the_bars_and_not_the_label(page: Any) -> None:
    code = """async () => {
        const { Tracker } = await import("./tracking.js");
        const tracker = new Tracker();
        return [0.9, 0.6, 0.2].map((happy, i) => {
            const models = [{ model: "m", probabilities: { happy, sad: 1 - happy } }];
            return tracker.update([{ box: [0, 0, 9, 9], height: 9, models }], 0.1 * i)[0].models[0].probabilities.happy;
        });
    }"""
    first, second, third = page.evaluate(code)
    assert 0.6 < second < first == 0.9
    assert third == 0.2


def test_what_takes_time_is_told_and_what_comes_late_gives_way(folder: Path) -> None:
    loaded = threading.Event()

    class Handler(StaticHandler):
        def do_GET(self) -> None:  # noqa: N802
            if "/models/" in self.path:
                loaded.wait(60)
            super().do_GET()

    options = {"service_workers": "block", "permissions": ["camera"]}
    with serve(folder, Handler) as url, open_page(url, wait_for="#results .fer-message", **options) as page:
        assert page.inner_text("#results .fer-message") == translate("en", "static.loading")
        page.click("#tab-live")
        page.click("#live-button")
        page.wait_for_selector(f"#live-message >> text={translate('en', 'static.loading')}")
        loaded.set()
        page.wait_for_selector("#live-message", state="hidden")
        examples: list[Any] = []
        page.route("**/examples/*", lambda route: examples.append(route))
        page.click("#tab-compare")
        page.click("#examples button >> nth=0")
        page.click("#tab-live")
        drop(page, "body", "two.png", "image/png", as_png(make_two_faces()))
        page.wait_for_selector("#faces:not([hidden])")
        examples[0].continue_()
        page.wait_for_timeout(500)
        assert page.locator("#faces input").count() == 2, "the example came too late"
        page.route("**/examples/*", lambda route: route.abort())
        page.click("#examples button >> nth=0")
        page.wait_for_selector(f"#results [role=alert] >> text={translate('en', 'error.offline')}")


def test_page_is_accessible_and_fits_on_a_wide_light_and_a_small_dark_screen(url: str) -> None:
    with open_page(url, locale="es-ES", bypass_csp=True, service_workers="block") as page:  # axe is put in by a script

        def check() -> None:
            for scheme, width, height in (("light", 1440, 900), ("dark", 390, 844)):
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": height})
                assert find_violations(page) == [], scheme
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        check()
        assert page.evaluate("document.documentElement.lang") == "es"
        choose(page, as_png(make_two_faces()))
        page.wait_for_selector("#faces:not([hidden])")
        check()
        page.click("#tab-live")
        check()


def test_every_word_that_the_page_asks_for_is_there() -> None:
    code = "".join(path.read_text() for path in PAGE_DIR.glob("*.js")) + (PAGE_DIR / "index.html").read_text()
    asked = set(re.findall(r'say\("([\w.]+)"|data-word="([\w.]+)"|data-label="([\w.]+)"', code))
    names = {name for row in asked for name in row if name}
    assert len(names) > 40
    for path in (FILES / "demo" / "locales").glob("*.json"):
        assert names - json.loads(path.read_text()).keys() == set(), path.name


def test_every_number_that_the_page_asks_for_is_there() -> None:
    code = "".join(path.read_text() for path in PAGE_DIR.glob("*.js"))
    asked = set(re.findall(r"\bN\.(\w+)", code))
    assert len(asked) > 30
    assert asked - collect_numbers().keys() == set()


def test_colours_are_the_other_page_s() -> None:
    from fer_models.demo.theme import THEME

    css = THEME._get_theme_css()
    light, dark = css.split(".dark", 1)
    own_light, own_dark = (FILES / "demo" / "styles" / "tokens.css").read_text().split(".dark {", 1)
    for theirs, ours in ((light, own_light), (dark, own_dark)):
        known = dict(re.findall(r"--([\w-]+): (.*?);", theirs))
        for name, value in re.findall(r"--(?!fer-)([\w-]+): (.*?);", ours):
            assert known[name] == value, name
