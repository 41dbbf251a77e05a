"""Every public verb is behind every door under a name, or is left out of it for a reason that is told."""

import pytest

pytest.importorskip("fastapi")

from tests.support.doors import CLOSING_MARK, DOORS, LEFT_OUT, OPENING_MARK, SERVE_PAGE, rows, table


@pytest.mark.parametrize("door", DOORS)
def test_a_door_has_each_verb_or_names_why_not(door: str) -> None:
    assert set(rows()) - set(DOORS[door]()) == set(LEFT_OUT[door])


@pytest.mark.parametrize("door", DOORS)
def test_a_door_offers_nothing_that_the_library_has_not(door: str) -> None:
    assert set(DOORS[door]()) - set(rows()) == set()


def test_the_page_has_the_table_as_the_code_is() -> None:
    page = SERVE_PAGE.read_text("utf-8")
    assert page.partition(OPENING_MARK)[2].partition(CLOSING_MARK)[0].strip() == table(), (
        "run: python tests/support/doors.py"
    )
