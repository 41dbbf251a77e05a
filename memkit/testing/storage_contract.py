"""Contract test of storages: every engine passes it."""

from memkit.testing.contract.banks import BankContract
from memkit.testing.contract.callers import CallerContract
from memkit.testing.contract.erasure import ErasureContract
from memkit.testing.contract.items import ItemContract
from memkit.testing.contract.memories import MemoryContract
from memkit.testing.contract.moving import MovingContract
from memkit.testing.contract.table_rows import RowContract
from memkit.testing.contract.views import ViewContract


class StorageContract(
    BankContract,
    MemoryContract,
    ItemContract,
    ViewContract,
    ErasureContract,
    MovingContract,
    RowContract,
    CallerContract,
):
    """Tests that every storage passes. A subclass gives the fixture `storage`, an empty storage.

    class TestMine(StorageContract):
        @pytest.fixture
        def storage(self): ...
    """
