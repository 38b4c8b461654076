"""The pictures that a visitor may choose without a photo of their own."""

from pathlib import Path


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
