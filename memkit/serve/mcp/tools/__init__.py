"""Tools: reading, writing, erasing. A tool's docstring and its arguments' descriptions are read by a model."""

from typing import Any

from memkit.serve.mcp.toolbox import MemoryTool
from memkit.serve.mcp.tools.erasing import ERASING_TOOLS
from memkit.serve.mcp.tools.reading import READING_TOOLS
from memkit.serve.mcp.tools.writing import WRITING_TOOLS

MEMORY_TOOLS: tuple[MemoryTool[Any], ...] = (*READING_TOOLS, *WRITING_TOOLS, *ERASING_TOOLS)
