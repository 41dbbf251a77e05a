"""The page's libraries are the files that their packages publish, byte for byte, each with its licence."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "memkit" / "serve" / "http" / "vendor"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
NOTES = (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.parametrize("listed", MANIFEST, ids=lambda listed: listed["file"])
def test_a_file_is_the_one_that_the_manifest_names_and_its_licence_lies_beside_it(listed: dict[str, str]) -> None:
    for file, digest in ((listed["file"], listed["sha256"]), (listed["licence_file"], listed["licence_sha256"])):
        assert sha256((FOLDER / file).read_bytes()).hexdigest() == digest, file


@pytest.mark.parametrize("listed", MANIFEST, ids=lambda listed: listed["file"])
def test_the_notes_name_each_file_with_package_version_and_licence(listed: dict[str, str]) -> None:
    [row] = [line for line in NOTES.splitlines() if f"`{listed['file']}`" in line]
    for name in ("package", "version", "licence", "licence_file"):
        assert listed[name] in row, name


def test_no_file_lies_there_that_isnt_listed() -> None:
    listed = {each[name] for each in MANIFEST for name in ("file", "licence_file")}
    assert {file.name for file in FOLDER.iterdir()} == listed | {"README.md", "manifest.json"}
