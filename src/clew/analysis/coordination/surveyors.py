"""Sources that only look: they connect, read a banner or ask for a harmless page, and try nothing.

Search engines for hosts (Shodan, Censys and their like) are many addresses that act together by any measure; they are
one operator, but no attack. A community made of them alone is not reported. One login, command, file or exploit is
enough not to be one of them.
"""

from typing import Final

import polars as pl

from clew.analysis.coordination.canonical import LONGEST

_HOSTILE_REQUEST: Final = (
    r"(?i)\.\./|%2e%2e|\.env|wp-login|phpunit|/cgi-bin/|/boaform|/hnap1|/shell\?|/setup\.cgi|\$\{jndi|eval-stdin|"
    r"cmd=|exec|/etc/passwd|;\s*wget|<url>|wget\s|curl\s|/login|/actuator|\.git/|/vendor/|powershell|base64"
)


def surveyors(sessions: pl.DataFrame) -> pl.Series:
    """Positions (UInt32) of the sources that tried nothing in any of their sessions. Expects prepared sessions."""
    tried = pl.any_horizontal(pl.col("credentials", "commands", "downloads", "urls", "keys").list.len() > 0).fill_null(
        value=False
    )
    asked = pl.any_horizontal(_hostile(pl.col(name)) for name in ("http_paths", "payloads")).fill_null(value=False)
    acts = sessions.select("source", (tried | asked).alias("acts"))
    return acts.group_by("source").agg(pl.col("acts").any()).filter(~pl.col("acts"))["source"].sort()


def _hostile(texts: pl.Expr) -> pl.Expr:
    return texts.list.head(64).list.join("\n", ignore_nulls=True).str.head(LONGEST).str.contains(_HOSTILE_REQUEST)
