"""Walk through the code: functions, modules entered and changes of module of one `observe` and of one `recall`.

Run: python tests/benchmarks/walk.py   (another checkout: PYTHONPATH=there python tests/benchmarks/walk.py)

Whoever follows a call by eye opens each module that it enters, and turns the page with each call into another module
and back. Counted are memkit's own Python functions in the caller's thread, on a small bank, at the second call of each
verb: what is imported, loaded or remembered at the first isn't part of the walk.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import memkit
from memkit.encoders.hashing import HashingEncoder

PACKAGE_PATH = str(Path(memkit.__file__).parent)
BANK_TURNS = [
    ("ana", f"Note {n}: {text}") for n in range(8) for text in ("I moved to Lisbon in May.", "Rita bakes bread.")
]
QUESTION_TEXT = "Who moved to Lisbon in May?"


@dataclass
class Walk:
    """The calls of one verb: functions, and how often each module was called from another one."""

    functions: set[CodeType] = field(default_factory=set)
    modules: Counter[str] = field(default_factory=Counter)

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """Take in an event of `sys.setprofile`."""
        if event != "call" or not is_ours(frame):
            return
        self.functions.add(frame.f_code)
        module, caller = frame.f_code.co_filename, frame.f_back
        while caller is not None and not is_ours(caller):
            caller = caller.f_back
        if caller is None or caller.f_code.co_filename != module:
            self.modules[module.removeprefix(PACKAGE_PATH)] += 1


def is_ours(frame: FrameType) -> bool:
    """Whether a frame runs code of memkit's."""
    return frame.f_code.co_filename.startswith(PACKAGE_PATH)


def walk(verb: Callable[[], Any]) -> Walk:
    """Follow the second call of a verb."""
    verb()
    followed = Walk()
    sys.setprofile(followed.note)
    try:
        verb()
    finally:
        sys.setprofile(None)
    return followed


def main() -> None:
    """Print a line for each verb; with the argument "modules", each module and how often it is entered, too."""
    with tempfile.TemporaryDirectory() as folder, memkit.open(f"{folder}/walk.db", encoder=HashingEncoder()) as store:
        bank = store.bank("walk")
        bank.observe(BANK_TURNS)
        turns = iter([("ana", "My sister visits on Thursday."), ("ana", "She can't eat nuts, not even almonds.")])
        walks = {
            "observe": walk(lambda: bank.observe([next(turns)])),
            "recall": walk(lambda: bank.recall(QUESTION_TEXT, reinforce=False)),
        }
    print(f"{'verb':8} {'functions':>9} {'modules':>8} {'changes':>8}")
    for verb, followed in walks.items():
        modules = followed.modules
        print(f"{verb:8} {len(followed.functions):9} {len(modules):8} {2 * modules.total():8}")
        if "modules" in sys.argv[1:]:
            print(*(f"    {count:4} {name}" for name, count in modules.most_common()), sep="\n")


if __name__ == "__main__":
    main()
