"""The generated references say what the code says: `python tests/support/reference.py` writes them anew."""

import pytest
import reference

from memkit import settings
from memkit.settings import SettingsSection


def test_the_command_lines_page_lists_every_command_with_all_its_options() -> None:
    assert reference.CLI_PAGE.read_text("utf-8") == reference.cli_page()


def test_the_settings_page_lists_every_field_with_type_default_bounds_and_meaning() -> None:
    assert reference.SETTINGS_PAGE.read_text("utf-8") == reference.settings_reference()


SECTIONS = [section for section in vars(settings).values() if isinstance(section, type)]


@pytest.mark.parametrize("section", [s for s in SECTIONS if issubclass(s, SettingsSection)], ids=lambda s: s.__name__)
def test_every_setting_has_a_comment_that_says_what_it_is(section: type[SettingsSection]) -> None:
    silent = [name for name, comment in reference.field_comments(section).items() if not comment]
    assert silent == []
