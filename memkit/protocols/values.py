"""Names that the protocols share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BankName = tuple[str, ...]
Span = tuple[datetime | None, datetime | None]  # from, until; None: open
TableRow = tuple[Any, ...]
RowPlace = tuple[str, TableRow]  # a table, and one of its rows


class BankVersion(NamedTuple):
    """A bank's change number, None where there is no bank of a name, and the number of its last receipt."""

    change: int | None
    receipt: int


class TableRows(NamedTuple):
    """Rows of one of a bank's tables in order of their keys, without the bank's number, and the version they are of."""

    table: str
    rows: Sequence[TableRow]
    version: BankVersion
