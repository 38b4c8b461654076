"""What a visitor has chosen to look at. The page keeps it, so that it is not lost when the server forgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Choice:
    """What is looked at.

    Attributes:
        photo_path: The upload or the example; None if there is none.
        face_index: The face that was chosen in it, counted from 0; None if none was.
        whole_image: Take the whole picture for the face.
        id: The page's own, another one for each choice.
    """

    photo_path: str | None = None
    face_index: int | None = None
    whole_image: bool = False
    id: str = ""


def read_choice(value: object, examples: Sequence[str]) -> Choice:
    """What the script of the page tells; not every request is this page's.

    Args:
        value: `path`, an upload's, or `example`, its number; `face`, `whole` and `id`.
        examples: Their paths.
    """
    told: Mapping[str, object] = value if isinstance(value, Mapping) else {}
    path, face, example = (told.get(key) for key in ("path", "face", "example"))
    if type(example) is int and 0 <= example < len(examples):
        path = examples[example]
    return Choice(
        path if isinstance(path, str) else None,
        face if type(face) is int and face >= 0 else None,
        told.get("whole") is True,
        str(told.get("id", ""))[:40],
    )


def find_examples() -> list[str]:
    """Public-domain portraits that installed packages carry, if they are installed, and one on which models part."""
    examples = []
    try:
        import matplotlib

        examples.append(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    except ImportError:
        pass
    try:
        import skimage.data

        examples.append(Path(skimage.data.__file__).parent / "astronaut.png")
    except ImportError:
        pass
    examples.append(Path(__file__).parents[1] / "examples" / "split.jpg")
    return [str(path) for path in examples if path.is_file()]
