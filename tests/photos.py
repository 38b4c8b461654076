"""Photos that tests use: public-domain portraits that installed packages carry."""

from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image

from fer_models.packages import find_examples


def portrait_path() -> Path:
    """Grace Hopper, 512x600, one face."""
    return Path(find_examples()[0])


def load_portrait() -> Image.Image:
    return Image.open(portrait_path()).convert("RGB")


@cache
def portrait_as_png() -> bytes:
    """The portrait as the clipboard holds pictures."""
    return as_png(load_portrait())


def as_png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def make_two_faces() -> Image.Image:
    """The portrait twice, the right one smaller."""
    portrait = load_portrait()
    image = Image.new("RGB", (1100, 600), "grey")
    image.paste(portrait, (0, 0))
    image.paste(portrait.resize((384, 450)), (620, 60))
    return image


def make_no_face() -> Image.Image:
    return Image.new("RGB", (800, 600), "skyblue")


def write_animations(folder: Path) -> tuple[Path, Path]:
    """Two GIFs of two pictures: in one the face comes first, in the other the sky."""
    pictures = [load_portrait(), make_no_face()]
    paths = folder / "face-first.gif", folder / "sky-first.gif"
    for path, (first, second) in zip(paths, (pictures, pictures[::-1]), strict=True):
        first.save(path, save_all=True, append_images=[second])
    return paths
