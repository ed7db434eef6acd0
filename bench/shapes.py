"""The distribution behind the generated Cowrie logs: every number that shapes them, and why it is what it is.

A session is one of five shapes. Shares and lengths follow what public descriptions of SSH/telnet honeypots agree on:
most connections guess passwords, a fifth only knock, few get in, and fewer still fetch a file.

| shape    | share | events of one session |
|----------|------:|-----------------------|
| scan     |  20 % | connect, sometimes the client version, closed |
| guess    |  55 % | connect, version, key exchange, 1–20 failed logins (geometric), closed |
| intrude  |  13 % | … failed logins, success, parameters, 1–9 commands, downloads for some, tty log, closed |
| tunnel   |   2 % | … success, 1–5 direct-tcpip requests each with its data, closed |
| telnet   |  10 % | connect, logins, for half of them a shell opening of the Mirai kind, closed |

That makes about eight events a session. Who comes, and what they say, is Zipf-distributed: a handful of sources make
a large part of the traffic, and a handful of pairs such as root/123456 make most of the guesses. Arrivals follow the
clock (a sine over the day, low in the early morning) in strata, so that a file always spans the days asked for; bursts
come from the campaigns. Sessions overlap and the file is in time order, as one sensor host's log is; some sessions
stay open past midnight.

Source addresses are synthetic: drawn from 45.0.0.0/8, 103.0.0.0/8 and 185.0.0.0/8 by a hash of the seed, so that they
look routable to whatever reads them. They say nothing about whoever holds such an address in reality. Sensors stand in
10.40.0.0/16, payload hosts in the same three networks or under `.example`.
"""

from typing import Final

START: Final = "2025-01-01T00:00:00"
"""First moment of every generated log, UTC."""

SHAPE_SHARES: Final = {"scan": 0.20, "guess": 0.55, "intrude": 0.13, "tunnel": 0.02, "telnet": 0.10}
MEAN_EVENTS_PER_SESSION: Final = 8.0
"""What the shapes come to; only used to spread the sessions over the days."""

HANGING: Final = 0.08
"""Share of sessions without a shell that stay until the login timeout of 120 s."""
OFFERING_KEYS: Final = 0.02
"""Share of guessing sessions that first offer a public key."""
UPLOADING: Final = 0.05
"""Share of intruders who send a file over SFTP."""
STAYING: Final = 0.04
"""Share of intruders who stay for one to five hours."""

DIURNAL_SWING: Final = 0.45
"""Relative height of the daily sine: 0 is flat, 1 is silence at its lowest."""
DIURNAL_PEAK_HOUR: Final = 14.0

SOURCE_EXPONENT: Final = 0.95
SESSIONS_PER_SOURCE: Final = 6
"""Size of the population of ordinary sources, as planned sessions over this."""
CREDENTIAL_EXPONENT: Final = 1.05
CREDENTIAL_PAIRS: Final = 4_000
COMMAND_EXPONENT: Final = 0.9
CLIENT_EXPONENT: Final = 1.2
DOWNLOAD_EXPONENT: Final = 1.1
DOWNLOAD_URLS: Final = 300

CAMPAIGN_MEMBERS: Final = (10, 80)
"""Least and most members of a campaign; fewer only in files too short to hold them."""
CAMPAIGN_SHARE: Final = 0.15
"""Most of a file's sessions that campaigns may make up."""
CAMPAIGN_SESSIONS_PER_MEMBER: Final = (2, 6)
CAMPAIGN_FIRST: Final = 0.05
CAMPAIGN_LAST: Final = 0.85
"""Campaigns act within this part of the time, so that cutting the file at its last line cuts none of them."""
MOONLIGHTING: Final = 0.3
"""Share of a campaign's members that also make ordinary sessions."""
