"""The top README: short, with both commands, one example, and a page for each thing one can do."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "memkit" / "ITEMS.md",
    ROOT / "memkit" / "POSTGRESQL.md",
    ROOT / "memkit" / "serve" / "http" / "RUNNING.md",
    *ROOT.glob("[!.]*/**/README.md"),
    ROOT / "CHANGELOG.md",
]
MAX_BYTES = 8_000
MAX_PICTURE_BYTES = 200_000
LINK_PATTERN = re.compile(r"\]\((?!https?:)([^)#]+)")


def block(after: str, language: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", README.split(after, 1)[1], re.DOTALL)
    assert match is not None
    return match[1]


def test_it_has_at_most_eight_kilobytes() -> None:
    assert len(README.encode()) <= MAX_BYTES


def test_the_example_has_at_most_twelve_lines() -> None:
    assert len(block("## Use it", "python").strip().splitlines()) <= 13  # one of them is blank


def test_both_commands_are_there() -> None:
    assert "memkit demo" in block("<!-- command: demo -->", "bash")
    assert "pytest" in block("<!-- command: tests -->", "bash")


def test_nobody_is_told_to_install_somebody_elses_package() -> None:
    for page in PAGES:
        assert re.search(r"pip install (-\S+ )*memkit(\s|$)", page.read_text("utf-8")) is None, page


def test_every_page_and_picture_that_it_names_is_there() -> None:
    missing = {link for link in LINK_PATTERN.findall(README) if not (ROOT / link).exists()}
    assert missing == set()


def test_pictures_are_small() -> None:
    assert [file.name for file in ROOT.glob("demos/*.png") if file.stat().st_size > MAX_PICTURE_BYTES] == []


def test_the_page_of_the_package_names_every_room_and_no_other() -> None:
    table = (ROOT / "memkit" / "README.md").read_text("utf-8").split("## Rooms", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)/`", cell)}
    assert named == {path.parent.name for path in ROOT.glob("memkit/*/__init__.py")}
