"""The words of the page, one JSON file a language: `{id: words}`, with names in braces where values are filled in.

The languages offered are the files that are here. A key that one lacks is said in English.
"""

import json
import re
from pathlib import Path

DEFAULT_LANGUAGE = "en"


def load_locales(directory: Path) -> dict[str, dict[str, str]]:
    """The words of each language by its code, English first, each with every key of English.

    Raises:
        OSError: There is no `en.json`.
        ValueError: A file is damaged.
    """

    def read(code: str) -> dict[str, str]:
        return {"language.name": code} | json.loads((directory / f"{code}.json").read_text(encoding="utf-8"))

    english = read(DEFAULT_LANGUAGE)
    others = sorted(path.stem for path in directory.glob("*.json") if path.stem != DEFAULT_LANGUAGE)
    return {DEFAULT_LANGUAGE: english} | {code: english | read(code) for code in others}


LOCALES = load_locales(Path(__file__).parent)

# A language of an `Accept-Language` header, and how much it is wanted: `es-mx` or `es;q=0.5`.
ACCEPTED = re.compile(r"(?:^|,)\s*([a-z]+)(?:-[\w-]+)?\s*(?:;\s*q=([01](?:\.\d+)?))?\s*(?=,|$)")


def translate(language: str, key: str, **values: object) -> str:
    """The words of `key` with `values` filled in.

    Raises:
        KeyError: There is no such language, key or value.
    """
    return LOCALES[language][key].format(**values)


def translate_tag(tag: str, language: str) -> str:
    """The words for a way of training; a new one is called by its tag."""
    key = f"tag.{tag}"
    return translate(language, key) if key in LOCALES[language] else tag


def choose_language(accept_language: str | None) -> str:
    """The language of an HTTP `Accept-Language` header that the page speaks and its sender likes best, else English."""
    accepted = ACCEPTED.findall((accept_language or "").lower())
    spoken = [(float(weight or 1), language) for language, weight in accepted if language in LOCALES]
    weight, language = max(spoken, key=lambda pair: pair[0], default=(0.0, DEFAULT_LANGUAGE))
    return language if weight else DEFAULT_LANGUAGE


def has_decimal_comma(language: str) -> bool:
    """Whether its numbers are written as in `0,5`."""
    return translate(language, "number.decimal") == ","


def format_decimal(language: str, number: float, digits: int | None = 1) -> str:
    """`4.71` -> `4.7`, with the language's own decimal sign; with None, as many digits as it takes."""
    text = f"{number:g}" if digits is None else f"{number:.{digits}f}"
    return text.replace(".", translate(language, "number.decimal"))


def format_percent(language: str, share: float, digits: int = 1) -> str:
    """`0.55` -> `55.0 %`, as the language writes it."""
    return translate(language, "number.percent", number=format_decimal(language, 100 * share, digits))


def format_count(language: str, count: int) -> str:
    """`7178` -> `7,178`, in Spanish `7178` and `28 709`."""
    if count < int(translate(language, "number.grouped_from")):
        return str(count)
    return f"{count:,}".replace(",", translate(language, "number.thousands"))


def format_level(language: str, key: str, level: float) -> str:
    """How far a picture was changed, in the words of a key if there are such: `0.06` -> `6 % darker`."""
    number = format_decimal(language, level, None)
    if key not in LOCALES[language]:
        return number
    return translate(language, key, level=number, percent=format_percent(language, level, 0))


def format_hardware(language: str, hardware: str) -> str:
    """`2 cores, AMD EPYC`, as measurements name a machine, with the language's word for cores."""
    return re.sub(r"^(\d+) cores", lambda found: translate(language, "models.cores", count=found[1]), hardware)
