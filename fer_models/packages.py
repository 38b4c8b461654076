"""Files that installed packages carry, found without running a line of theirs."""

from importlib.util import find_spec
from pathlib import Path

EXAMPLES = (("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"), ("skimage", "data/astronaut.png"))


def find_in_package(package: str, place: str) -> Path | None:
    """Where a file of a package would lie; None if the package is not installed."""
    spec = find_spec(package)
    return Path(spec.origin).parent / place if spec and spec.origin else None


def find_examples() -> list[str]:
    """Public-domain portraits that installed packages carry, if they are installed, and one on which models part."""
    examples = [find_in_package(*example) for example in EXAMPLES]
    examples.append(Path(__file__).parent / "demo" / "examples" / "split.jpg")
    return [str(path) for path in examples if path and path.is_file()]
