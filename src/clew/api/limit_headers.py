"""How a caller stands with the limits, as headers of every answer.

`RateLimit-Policy` and `RateLimit` are the IETF's draft (draft-ietf-httpapi-ratelimit-headers), which name each window;
the three older ones tell of the tightest window, for the clients in use that know only those.
"""

from collections.abc import Sequence

from clew.domains.identity.limiting import Standing


def limit_headers(standings: Sequence[Standing]) -> list[tuple[bytes, bytes]]:
    """Headers for these limits, none for none."""
    if not standings:
        return []
    policies = ", ".join(f'"{each.name}";q={each.limit};w={each.window_seconds}' for each in standings)
    left = ", ".join(f'"{each.name}";r={each.remaining};t={each.resets_in}' for each in standings)
    tightest = min(standings, key=lambda each: (each.remaining, -each.resets_in))
    return [
        (b"ratelimit-policy", policies.encode()),
        (b"ratelimit", left.encode()),
        (b"ratelimit-limit", b"%d" % tightest.limit),
        (b"ratelimit-remaining", b"%d" % tightest.remaining),
        (b"ratelimit-reset", b"%d" % tightest.resets_in),
    ]
