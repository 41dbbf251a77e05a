"""Words by which pasted text is told, in all languages of `words.toml` at once."""

import tomllib
from functools import cache
from importlib.resources import files

CAPITAL_NAME = r"(?-i:[A-ZÀ-Þ][\w'’-]*)"


def joined(section: str) -> str:
    """A section's alternatives of every language, as one group of a regular expression."""
    return f"(?:{'|'.join(form for form in _sections()[section].values())})"


@cache
def _sections() -> dict[str, dict[str, str]]:
    text = (files("memkit.text.pasted") / "words.toml").read_text("utf-8")
    plain = {
        section: {language: form.replace("\n", "") for language, form in forms.items()}
        for section, forms in tomllib.loads(text).items()
    }
    document = "|".join(plain["document"].values())
    return {
        section: {language: _filled(form, document) for language, form in forms.items()}
        for section, forms in plain.items()
    }


def _filled(form: str, document: str) -> str:
    return form.replace("NAME", CAPITAL_NAME).replace("DOCUMENT", f"(?:{document})")
