"""Pages show what the result files render to, and nothing else of them changes."""

from pathlib import Path

import pytest

from memkit.errors import InputError
from memkit.evaluation.figures.__main__ import main
from memkit.evaluation.figures.pages import outdated_pages, pages, rendered, update_pages
from memkit.evaluation.figures.result_file import ResultFile, read_results
from memkit.evaluation.figures.tables import ABLATED_LABELS, change, markdown, share
from memkit.evaluation.recall.variants import ABLATION_VARIANTS

PAGE_TEXT = "# Title\n\n<!-- figures: notes -->\nold\n<!-- end -->\n\nAfter.\n"
NOTE_FIGURES = {"thoughts": {"formed": 3, "notes": 4, "share": 0.5, "covered": 1.0}}
RESULT_FILES = {
    "thinking": ResultFile(
        commit="abc1234",
        date="2026-01-02",
        processor="a processor",
        command="memkit evaluate --thinking talk.json",
        figures={"locomo_dev.json": NOTE_FIGURES},
    )
}


def page(folder: Path, text: str = PAGE_TEXT) -> Path:
    path = folder / "README.md"
    path.write_text(text)
    return path


def test_a_region_is_filled_with_its_table_and_says_where_it_comes_from() -> None:
    text = rendered(PAGE_TEXT, RESULT_FILES)
    assert "| thoughts | 3 | .500 | 1.000 |" in text
    assert "`memkit evaluate --thinking talk.json` (commit abc1234, 2026-01-02, a processor)" in text


def test_text_around_a_region_stays_and_rendering_again_changes_nothing() -> None:
    text = rendered(PAGE_TEXT, RESULT_FILES)
    assert text.startswith("# Title\n\n<!-- figures: notes -->\n")
    assert text.endswith("<!-- end -->\n\nAfter.\n")
    assert rendered(text, RESULT_FILES) == text


def test_an_outdated_page_is_found_and_updated_once(tmp_path: Path) -> None:
    path = page(tmp_path)
    assert outdated_pages(RESULT_FILES, tmp_path) == [path]
    assert update_pages(RESULT_FILES, tmp_path) == [path]
    assert update_pages(RESULT_FILES, tmp_path) == []


def test_pages_without_a_region_are_left_alone(tmp_path: Path) -> None:
    page(tmp_path, "# Title\n")
    assert list(pages(tmp_path)) == []


def test_an_unknown_table_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no table 'weather'.*recall"):
        rendered("<!-- figures: weather -->\n<!-- end -->", RESULT_FILES)


def test_a_table_without_its_results_is_an_error_that_says_how_to_record_them() -> None:
    with pytest.raises(InputError, match="record curve COMMAND"):
        rendered("<!-- figures: forgetting -->\n<!-- end -->", {})


def test_every_variant_of_the_ablation_has_a_label() -> None:
    assert set(ABLATED_LABELS) == {variant.name for variant in ABLATION_VARIANTS}


def test_shares_and_differences_are_written_without_a_leading_zero() -> None:
    assert [share(0.8557), share(1.0), share(None)] == [".856", "1.000", ""]
    assert [change(-0.095), change(0.0122), change(0.0003)] == ["-.095", "+.012", "0"]


def test_a_table_has_its_numbers_on_the_right() -> None:
    assert markdown(["a", "b"], [["c", "1"]]) == "| a | b |\n| --- | ---: |\n| c | 1 |\n"


def test_render_check_finds_the_projects_pages_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", "--check"]) == 0
    assert capsys.readouterr().out == ""


def test_the_projects_result_files_can_be_read() -> None:
    assert {"locomo", "thinking"} <= set(read_results())
