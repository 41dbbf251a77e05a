"""A conformance kit for memory adapters: `AdapterContract`, and the talk of an agent that its tests run on.

    class TestMine(AdapterContract):
        @contextmanager
        def opened(self, path, **options):
            with memkit.open(path, **options) as store:
                yield MyAgents(store)          # a `Talk`

Nothing in it is memkit's alone but the store that the fixture opens: whoever writes an adapter may run it on theirs.
"""

from memkit.testing.adapters.contract import AdapterContract
from memkit.testing.adapters.talk import CancellableTalk, Shown, Talk

__all__ = ["AdapterContract", "CancellableTalk", "Shown", "Talk"]
