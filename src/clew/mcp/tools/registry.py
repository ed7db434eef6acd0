"""Every tool, one line for each subject."""

from typing import Any, Final

from clew.mcp.tool import Tool
from clew.mcp.tools import attacks, campaigns, cases, changing, entities, searching

TOOLS: Final[tuple[Tool[Any, Any], ...]] = (
    *searching.TOOLS,
    *entities.TOOLS,
    *attacks.TOOLS,
    *campaigns.TOOLS,
    *cases.TOOLS,
    *changing.TOOLS,
)
