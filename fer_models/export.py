"""A bundled model as a folder that plain transformers loads: the checkpoint, and the code that its `auto_map` needs."""

import json
from pathlib import Path

from transformers.dynamic_module_utils import get_relative_import_files

PACKAGE_DIR = Path(__file__).parent
SETTINGS = ("config.json", "preprocessor_config.json")


def collect_export(directory: Path) -> dict[str, bytes]:
    """The files of a checkpoint by name, and beside them the package's code for it.

    Args:
        directory: A checkpoint's folder.

    Raises:
        OSError: A file cannot be read.
    """
    files = {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file()}
    for settings in SETTINGS:
        for reference in json.loads(files[settings])["auto_map"].values():
            module = PACKAGE_DIR / f"{reference.partition('.')[0]}.py"
            for path in (module, *map(Path, get_relative_import_files(module))):
                files[path.name] = path.read_bytes()
    return files


def write_files(files: dict[str, bytes], target: Path) -> None:
    """Write files, named by path, into a new or empty folder.

    Raises:
        ValueError: There is something in the folder.
        OSError: It cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{target} is not an empty folder. Name one that is empty, or not there yet.")
    for name, content in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
