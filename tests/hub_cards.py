"""What the loopback Hub objects to in the metadata of a README.md."""

import re
from typing import Any

import yaml

SPACE_FIELDS = {
    "sdk": {"gradio", "docker", "static"},
    "colorFrom": {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"},
    "colorTo": {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"},
}
LICENSES = {"apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc0-1.0", "openrail", "other", "unknown"}


def check_card(content: str, repo_type: str) -> list[str]:
    """What the Hub would object to in the metadata of a README.md, as far as these tests know its rules."""
    match = re.match(r"^\s*---\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", content, re.DOTALL)
    if not match:
        return []
    try:
        data = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [f"Invalid YAML: {error}"]
    if not isinstance(data, dict):
        return ["The metadata must be an object"]
    errors = []
    if data.get("license") is not None and data["license"] not in LICENSES:
        errors.append(f'"license" must be one of {sorted(LICENSES)}')
    if repo_type == "space":
        return errors + _check_space(data)
    lists = ("tags", "datasets", "metrics")
    return errors + [f'"{name}" must be an array' for name in lists if isinstance(data.get(name), str)]


def _check_space(data: dict[str, Any]) -> list[str]:
    errors = [
        f'"{name}" must be one of {sorted(allowed)}'
        for name, allowed in SPACE_FIELDS.items()
        if data.get(name, "gray" if name != "sdk" else "") not in allowed
    ]
    if len(str(data.get("short_description", ""))) > 60:
        errors.append('"short_description" length must be less than or equal to 60 characters long')
    if len(data.get("preload_from_hub", [])) > 10:
        errors.append('"preload_from_hub": preload models limited to 10')
    if not isinstance(data.get("python_version", "3.10"), str):
        errors.append('"python_version" must be a string')
    return errors
