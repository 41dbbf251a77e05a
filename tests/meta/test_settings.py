"""Settings: each one does something."""

import ast
from pathlib import Path

from memkit.settings import KeepRule, Settings, SettingsSection

PACKAGE = Path(__file__).parents[2] / "memkit"
SECTIONS = sorted({Settings, KeepRule, *SettingsSection.__subclasses__()}, key=lambda section: section.__name__)


def attributes_read(skipped: str) -> set[str]:
    files = [file for file in PACKAGE.rglob("*.py") if file.relative_to(PACKAGE).as_posix() != skipped]
    trees = [ast.parse(file.read_text("utf-8")) for file in files]
    return {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def test_every_setting_is_read_somewhere_outside_the_module_that_defines_it() -> None:
    read = attributes_read("settings.py") | {"under"}  # chosen by in `settings.rules_of`
    unread = {f"{s.__name__}.{name}" for s in SECTIONS for name in s.model_fields if name not in read}
    assert unread == set()
