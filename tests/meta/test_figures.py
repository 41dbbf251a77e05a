"""No figure is typed by hand: pages hold what the committed result files render to."""

from memkit.evaluation.figures.pages import outdated_pages, pages
from memkit.evaluation.figures.result_file import read_results


def test_pages_with_figures_equal_what_the_result_files_render_to() -> None:
    assert outdated_pages(read_results()) == [], "run: python -m memkit.evaluation.figures render"


def test_there_is_a_page_with_figures() -> None:
    assert any(page.parent.name == "evaluation" for page in pages())
