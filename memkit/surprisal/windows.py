"""Long texts in parts: windows that overlap by half, so that nothing is read without what came before it."""

from collections.abc import Callable, Iterator


def windows(
    length: int, window: int, cut: Callable[[int, int], int] = lambda low, high: high
) -> Iterator[tuple[int, int, int]]:
    """(begin, first position that wasn't read yet, end) of each window; `cut` moves an end down, above `low`."""
    fresh = 0
    while fresh < length:
        begin = max(0, fresh - window // 2)
        end = begin + window
        end = length if end >= length else cut(fresh, end)
        yield begin, fresh, end
        fresh = end


def at_spaces(text: str) -> Callable[[int, int], int]:
    """A `cut` that leaves words whole, where there is a space in the second half of what is new."""

    def cut(low: int, high: int) -> int:
        space = text.rfind(" ", (low + high) // 2 + 1, high)
        return high if space < 0 else space

    return cut
