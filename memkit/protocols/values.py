"""Names that the protocols share."""

from datetime import datetime

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BankName = tuple[str, ...]
Span = tuple[datetime | None, datetime | None]  # from, until; None: open
