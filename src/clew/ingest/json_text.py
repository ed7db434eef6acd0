"""JSON text as PostgreSQL takes it."""

import re
from typing import Final

# The escape of NUL in JSON text, but not a backslash that is escaped itself followed by "u0000".
_ESCAPED_NUL: Final = r"(^|[^\\](?:\\\\)*)\\u0000"


def without_nul(text: str) -> str:
    """JSON text whose strings hold no NUL; twice, since a match takes the character before it along."""
    if "\\u0000" not in text:
        return text
    return re.sub(_ESCAPED_NUL, r"\1\\u2400", re.sub(_ESCAPED_NUL, r"\1\\u2400", text))
