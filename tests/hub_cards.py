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
    errors += _check_space(data) if repo_type == "space" else _check_model(data)
    return errors


def _check_space(data: dict[str, Any]) -> list[str]:
    errors = [
        f'"{name}" must be one of {sorted(allowed)}'
        for name, allowed in SPACE_FIELDS.items()
        if name in data and data[name] not in allowed
    ]
    if "sdk" not in data:
        errors.append('"sdk" is required')
    if len(str(data.get("short_description", ""))) > 60:
        errors.append('"short_description" length must be less than or equal to 60 characters long')
    if len(data.get("preload_from_hub", [])) > 10:
        errors.append('"preload_from_hub": preload models limited to 10')
    if not isinstance(data.get("python_version", "3.10"), str):
        errors.append('"python_version" must be a string')
    return errors


def _check_model(data: dict[str, Any]) -> list[str]:
    errors = [
        f'"{name}" must be an array' for name in ("tags", "datasets", "metrics") if isinstance(data.get(name), str)
    ]
    for index, model in enumerate(data.get("model-index") or []):
        for number, result in enumerate(model.get("results") or []):
            where = f'"model-index[{index}].results[{number}]'
            required = {"task": ["type"], "dataset": ["type", "name"]}
            for part, names in required.items():
                errors += [
                    f'{where}.{part}.{name}" is required' for name in names if not (result.get(part) or {}).get(name)
                ]
            if not result.get("metrics"):
                errors.append(f'{where}.metrics" is required')
            for metric in result.get("metrics") or []:
                errors += [f'{where}.metrics.{name}" is required' for name in ("type", "value") if name not in metric]
        if not model.get("name"):
            errors.append(f'"model-index[{index}].name" is not allowed to be empty')
    return errors
