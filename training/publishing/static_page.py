"""The comparison in the visitor's own browser: `python -m training.publishing.static_page` writes it to a folder.

Puts together `fer_models/static`, the words, colours and styles of the other page, the four models as ONNX, the face
detector, and the runtime from npm, which needs `npm` once. With `--port` the folder is served on this machine.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image

from fer_models.commands import CommandParser, at_least, command
from fer_models.faces import find_weights
from fer_models.hub import make_fixed_revision
from fer_models.onnx_export import ROUNDED_BITS, export_onnx, round_weights
from fer_models.packages import find_examples
from fer_models.results import read_json
from fer_models.zoo import checkpoint_dir

from .. import ROOT
from ..runtime.files import replace_folder
from .static_settings import describe_settings

PAGE_DIR = ROOT / "fer_models" / "static"
DEMO_DIR = ROOT / "fer_models" / "demo"
STATIC_DIR = ROOT / "build" / "static"
CACHE_DIR = ROOT / "build" / "cache"
LIST = "files.json"  # of the files that a folder was given here
STYLES = ("tokens.css", "base.css", "compare.css", "live.css")
# The runtime, as npm has it, and what of it is needed: the small build, without a GPU.
RUNTIME, RUNTIME_VERSION = "onnxruntime-web", "1.30.0"
RUNTIME_SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs")
RUNTIME_BINARY = "ort-wasm-simd-threaded.wasm"
MEDIA_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}


def collect_static() -> dict[str, bytes]:
    """The files of the page by path.

    Raises:
        ImportError: A package is missing; the message names it.
        OSError: A file is missing, or the runtime cannot be had.
    """
    files = {path.name: path.read_bytes() for path in sorted(PAGE_DIR.iterdir()) if path.is_file()}
    files |= {f"styles/{name}": follow_system((DEMO_DIR / "styles" / name).read_text()).encode() for name in STYLES}
    words = {path.stem: read_json(path) for path in sorted((DEMO_DIR / "locales").glob("*.json"))}
    files["texts.js"] = f"export default {json.dumps(words)};\n".encode()
    files |= {f"examples/{name}": content for name, content in read_examples().items()}
    files |= fetch_runtime()
    files["models/yunet.onnx.gz"] = pack(free_input_size(find_weights().read_bytes()))
    settings = describe_settings() | {"examples": [name for name in files if name.startswith("examples/")]}
    for model in settings["models"]:
        files[model["file"]] = export_packed(checkpoint_dir(model["model"], model["tag"]))
    exports = [f"export const {name} = {json.dumps(value)};\n" for name, value in settings.items()]
    files["settings.js"] = "".join(exports).encode()
    files[LIST] = json.dumps(sorted({*files, LIST})).encode()
    # The page's service worker keeps these files, and fetches them all anew when one of them has changed.
    later = {model["file"] for model in settings["models"] if model["tag"] != settings["tags"][0]}
    at_once = files.keys() - later
    digest = hashlib.sha256(b"".join(name.encode() + content for name, content in sorted(files.items()))).hexdigest()
    worker = files["service_worker.js"].decode()
    worker = worker.replace('"VERSION"', json.dumps(digest[:12])).replace('["FILES"]', json.dumps(sorted(at_once)))
    return files | {"service_worker.js": worker.encode()}


def follow_system(css: str) -> str:
    """Styles that are dark where the system is; those of the other page follow a class, which gradio sets."""
    return re.sub(r"^\.dark \{(.*?)\}", r"@media (prefers-color-scheme: dark) { :root {\1} }", css, flags=re.M | re.S)


def pack(content: bytes) -> bytes:
    """Compressed, the same bytes each time; the page unpacks it, so that no server need do it."""
    return gzip.compress(content, 9, mtime=0)


def export_packed(directory: Path) -> bytes:
    """A model for the page; kept for the next time, since an export takes seconds."""
    kept = CACHE_DIR / f"{directory.name}-{make_fixed_revision(directory)}-{ROUNDED_BITS}.onnx.gz"
    if not kept.is_file():
        content = pack(round_weights(export_onnx(directory)))
        CACHE_DIR.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_bytes(content)
        part.replace(kept)
    return kept.read_bytes()


def free_input_size(content: bytes) -> bytes:
    """YuNet for pictures of any size; as it ships it says 640x640, and needs it nowhere."""
    import onnx

    model = onnx.load_from_string(content)
    del model.graph.value_info[:]
    for dimension, name in zip(model.graph.input[0].type.tensor_type.shape.dim[2:], ("height", "width"), strict=True):
        dimension.dim_param = name
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"places_{output.name.rpartition('_')[2]}"
    return model.SerializeToString()


def fetch_runtime() -> dict[str, bytes]:
    """onnxruntime-web's files by path, from npm or from what was fetched before; its checksum is fixed here.

    Raises:
        OSError: It cannot be fetched, or is another one.
    """
    archive = CACHE_DIR / f"{RUNTIME}-{RUNTIME_VERSION}.tgz"
    if not archive.is_file():
        CACHE_DIR.mkdir(parents=True, exist_ok=True)
        request = ["npm", "pack", f"{RUNTIME}@{RUNTIME_VERSION}", "--silent", "--pack-destination", str(CACHE_DIR)]
        try:
            subprocess.run(request, check=True, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise OSError(f"npm is needed once, to fetch {RUNTIME}: install Node.js.") from error
        except subprocess.CalledProcessError as error:
            raise OSError(f"npm cannot fetch {RUNTIME}: {error.stderr.strip().splitlines()[-1:]}") from error
    if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != RUNTIME_SHA512:
        archive.unlink()
        raise OSError(f"{archive} is not {RUNTIME} {RUNTIME_VERSION} as it was tried with; it is deleted.")
    with tarfile.open(archive) as package:

        def read(name: str) -> bytes:
            member = package.extractfile(f"package/dist/{name}")
            assert member is not None
            return member.read()

        files = {f"runtime/{name}": read(name) for name in RUNTIME_FILES}
        return files | {f"runtime/{RUNTIME_BINARY}.gz": pack(read(RUNTIME_BINARY))}


def read_examples() -> dict[str, bytes]:
    """The portraits of `find_examples`, by file name."""
    paths = [Path(path) for path in find_examples()]
    return {f"{path.stem}.jpg": to_jpeg(path) for path in paths}


def to_jpeg(path: Path) -> bytes:
    """A picture as a JPEG: everybody who visits the page fetches it."""
    if path.suffix == ".jpg":
        return path.read_bytes()
    buffer = io.BytesIO()
    Image.open(path).convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def build_static(directory: Path = STATIC_DIR) -> Path:
    """Write the page to a folder, in one piece; the page that was there goes.

    Raises:
        ValueError: The folder holds something else; it stays as it is.
        ImportError, OSError: As `collect_static`.
    """
    check_is_page(directory)
    files = collect_static()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".") as temporary:
        new = Path(temporary, "new")
        for name, content in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        replace_folder(directory, new)
    return directory


def check_is_page(directory: Path) -> None:
    """Refuse a folder that holds what is not of a page written here.

    Raises:
        ValueError: It does, or is no folder.
    """
    made = (read_json(directory / LIST) or []) if directory.is_dir() else []
    others = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()} - set(made)
    if others or (directory.exists() and not directory.is_dir()):
        what = min(others, default="a file")
        raise ValueError(f"{directory} is no page that was written here: {what}. Move that, or name another folder.")


class StaticHandler(SimpleHTTPRequestHandler):
    """Serves files as a static host does: media types, nothing compressed, nothing logged."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | MEDIA_TYPES
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


@contextmanager
def serve(directory: Path, handler: type[StaticHandler] = StaticHandler, port: int = 0) -> Iterator[str]:
    """The address of a folder on this machine, where it is served until the end of the block; 0 takes a free port.

    Raises:
        OSError: The port is taken.
    """
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(handler, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.publishing.static_page", description=__doc__)
    parser.add_argument("--output", type=Path, default=STATIC_DIR, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--port",
        type=at_least(0, 65535),
        default=None,
        metavar="N",
        help="then serve it there; by default it is not served",
    )
    arguments = parser.parse_args(argv)
    directory = build_static(arguments.output)
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    print(f"{directory}: {size / 1e6:.1f} MB")
    if arguments.port is not None:
        with serve(directory, port=arguments.port) as url, suppress(KeyboardInterrupt):
            print(f"The page is ready: {url} (Ctrl-C stops it)", flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    main()
