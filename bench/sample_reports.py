"""The reports of the sample case, as Sherlock, Holehe, a TikTok profile analyser and Subfinder would have written them.

Sites are invented (Sherlock takes a site list of one's own with --json), so that no handle points at somebody's real
account; TikTok, whose analyser has a format of its own, is the one real platform. Its handle ends in `_example`.
"""

import csv
import io
from typing import Any

import orjson

KEEPER = "lanternkeeper_example"
WAX = "wickandwax_example"
MAILBOX = "keeper@lantern-harbour.example"
WAX_MAILBOX = "orders@wickandwax.test"

# name, address of the site, address of the account, Sherlock's answer, HTTP status, seconds
Site = tuple[str, str, str, str, int, float]
KEEPER_SITES: tuple[Site, ...] = (
    ("BrineShare", "https://brineshare.example/", "https://brineshare.example/u/{}", "Claimed", 200, 0.412),
    ("MooringLog", "https://mooringlog.example/", "https://mooringlog.example/@{}", "Claimed", 403, 0.188),
    ("PierBoard", "https://pierboard.example/", "https://pierboard.example/user/{}", "Claimed", 200, 0.731),
    ("QuayCode", "https://quaycode.example/", "https://quaycode.example/{}", "Claimed", 200, 0.294),
    ("TikTok", "https://www.tiktok.com/", "https://www.tiktok.com/@{}", "Claimed", 200, 0.655),
)
WAX_SITES: tuple[Site, ...] = (
    ("BrineShare", "https://brineshare.example/", "https://brineshare.example/u/{}", "Claimed", 429, 0.09),
    ("PierBoard", "https://pierboard.example/", "https://pierboard.example/user/{}", "Claimed", 200, 0.702),
    ("TideChat", "https://tidechat.example/", "https://tidechat.example/people/{}", "Claimed", 200, 1.204),
    ("TikTok", "https://www.tiktok.com/", "https://www.tiktok.com/@{}", "Claimed", 200, 0.598),
)


def reports() -> dict[str, bytes]:
    """Content of every report by its path in the case."""
    return {
        f"sherlock/{KEEPER}.csv": _sherlock_csv(KEEPER, KEEPER_SITES),
        f"sherlock/{KEEPER}.txt": _sherlock_text(KEEPER, KEEPER_SITES),
        f"sherlock/{WAX}.csv": _sherlock_csv(WAX, WAX_SITES),
        f"sherlock/{WAX}.txt": _sherlock_text(WAX, WAX_SITES),
        "sherlock/harbour_candles_example.json": _sherlock_json(),
        f"holehe/holehe_1741607412_{MAILBOX}_results.csv": _holehe_csv(KEEPER_SERVICES),
        f"holehe/holehe_1741607690_{WAX_MAILBOX}_results.csv": _holehe_csv(WAX_SERVICES),
        f"tiktok/{KEEPER}.json": _pretty(KEEPER_PROFILE),
        f"tiktok/{WAX}.json": _pretty(WAX_PROFILE),
        "subfinder/lantern-harbour.example.json": _json_lines(_resolved()),
        "subfinder/wickandwax.test.json": _json_lines(_sourced()),
    }


def _sherlock_csv(handle: str, sites: tuple[Site, ...]) -> bytes:
    rows: list[list[Any]] = [["username", "name", "url_main", "url_user", "exists", "http_status", "response_time_s"]]
    for name, main, account, exists, status, seconds in sites:
        rows.append([handle, name, main, account.format(handle), exists, status, seconds])
    return _csv(rows)


def _sherlock_text(handle: str, sites: tuple[Site, ...]) -> bytes:
    addresses = [account.format(handle) for _, _, account, *_ in sites]
    return "\n".join([*addresses, f"Total Websites Username Detected On : {len(sites)}", ""]).encode()


def _sherlock_json() -> bytes:
    """The documented shape; its own count is wrong by one, as such counts are, and must be reported as that."""
    handle = "harbour_candles_example"
    rows = [
        {"platform": "PierBoard", "url": f"https://pierboard.example/user/{handle}", "status": "found",
         "response_time": 0.52},
        {"platform": "TideChat", "url": f"https://tidechat.example/people/{handle}", "status": "found",
         "response_time": 0.91},
        {"platform": "QuayCode", "url": f"https://quaycode.example/{handle}", "status": "not_found",
         "response_time": 0.33},
        {"platform": "BrineShare", "url": f"https://brineshare.example/u/{handle}", "status": "not_found",
         "response_time": 0.4},
    ]  # fmt: skip
    return _pretty({"username": handle, "results": rows, "total_found": 3})


# name, domain, method, rate limited, exists, recovery address, telephone, others
Service = tuple[str, str, str, bool, bool, str, str, str]
KEEPER_SERVICES: tuple[Service, ...] = (
    ("brineshare", "brineshare.example", "register", False, True, "", "", ""),
    ("lampshop", "lantern-harbour.example", "login", False, True, "", "", "{'FullName': 'Lantern Keeper'}"),
    ("mooringmail", "mooringmail.example", "password recovery", False, True, "o****s@wickandwax.test", "", ""),
    ("pierboard", "pierboard.example", "register", False, True, "", "", ""),
    ("quaycode", "quaycode.example", "register", False, True, "", "", ""),
    ("saltnotes", "saltnotes.example", "register", False, False, "", "", ""),
    ("tidechat", "tidechat.example", "register", True, False, "", "", ""),
    ("tidepay", "tidepay.example", "password recovery", False, True, "", "+44********21", ""),
)
WAX_SERVICES: tuple[Service, ...] = (
    ("brineshare", "brineshare.example", "register", True, False, "", "", ""),
    ("lampshop", "lantern-harbour.example", "login", False, True, "", "", ""),
    ("pierboard", "pierboard.example", "register", False, True, "", "", ""),
    ("quaycode", "quaycode.example", "register", False, False, "", "", ""),
    ("tidechat", "tidechat.example", "register", False, True, "", "", ""),
    ("tidepay", "tidepay.example", "password recovery", False, True, "", "+44********21", ""),
)


def _holehe_csv(services: tuple[Service, ...]) -> bytes:
    rows: list[list[Any]] = [
        ["name", "domain", "method", "frequent_rate_limit", "rateLimit", "exists", "emailrecovery", "phoneNumber",
         "others"]
    ]  # fmt: skip
    for name, domain, method, limited, exists, recovery, telephone, others in services:
        rows.append([name, domain, method, name == "tidechat", limited, exists, recovery, telephone, others])
    return _csv(rows)


KEEPER_PROFILE: dict[str, Any] = {
    "username": KEEPER,
    "profile": {
        "display_name": "Lantern Keeper (example)",
        "bio": f"Harbour lamps, restored. Shop: https://shop.lantern-harbour.example/lamps - write to {MAILBOX} "
        "or ring +44 20 7946 0321",
        "followers": 1843,
        "following": 97,
        "likes": 20412,
        "verified": False,
        "video_count": 5,
    },
    "videos": [
        {"video_id": "7400000000000000101", "description": "Trimming a wick the slow way #harbourlamps #restoration",
         "created_at": "2025-02-02T17:04:11Z", "stats": {"views": 5210, "likes": 402, "comments": 21, "shares": 8},
         "hashtags": ["harbourlamps", "restoration"]},
        {"video_id": "7400000000000000102", "description": "Brass day with @wickandwax_example #brass #harbourlamps",
         "created_at": "2025-02-09T18:30:45Z", "stats": {"views": 8127, "likes": 733, "comments": 40, "shares": 15},
         "hashtags": ["brass", "harbourlamps"]},
        {"video_id": "7400000000000000103", "description": "Fresnel lens, 1822 pattern #fresnel",
         "created_at": "2025-02-16T16:12:00Z", "stats": {"views": 12044, "likes": 1190, "comments": 88, "shares": 61},
         "hashtags": ["fresnel"]},
        {"video_id": "7400000000000000104", "description": "New downloads page: dl.lantern-harbour.example #plans",
         "created_at": "2025-03-01T09:55:30Z", "stats": {"views": 2210, "likes": 140, "comments": 9, "shares": 3},
         "hashtags": ["plans"]},
        {"video_id": "7400000000000000105", "description": "Night watch #harbourlamps",
         "created_at": "2025-03-09T22:40:02Z", "stats": {"views": 990, "likes": 71, "comments": 2, "shares": 0},
         "hashtags": ["harbourlamps"]},
    ],
}  # fmt: skip

WAX_PROFILE: dict[str, Any] = {
    "username": WAX,
    "profile": {
        "display_name": "Wick & Wax (example)",
        "bio": f"Candles for boats. {WAX_MAILBOX} | US orders +1 212 555 0142",
        "followers": 611,
        "following": 240,
        "likes": 3920,
        "verified": False,
        "video_count": 3,
    },
    "videos": [
        {"video_id": "7400000000000000201", "description": "Dipping with @lanternkeeper_example #candles",
         "created_at": "2025-02-08T11:00:00Z", "stats": {"views": 1400, "likes": 120, "comments": 6, "shares": 1},
         "hashtags": ["candles"]},
        {"video_id": "7400000000000000202", "description": "Beeswax again #candles #harbourlamps",
         "created_at": "2025-02-20T12:21:09Z", "stats": {"views": 1820, "likes": 133, "comments": 4, "shares": 2},
         "hashtags": ["candles", "harbourlamps"]},
        {"video_id": "7400000000000000203", "description": "Packing orders",
         "created_at": "2025-03-05T15:45:50Z", "stats": {"views": 702, "likes": 55, "comments": 0, "shares": 0},
         "hashtags": []},
    ],
}  # fmt: skip


def _resolved() -> list[dict[str, Any]]:
    """As `subfinder -d … -oJ -nW -oI` writes: resolved hosts with one of their sources."""
    hosts = (
        ("www", "203.0.113.80", "crtsh"),
        ("shop", "203.0.113.80", "crtsh"),
        ("mail", "203.0.113.25", "hackertarget"),
        ("dl", "203.0.113.77", "anubis"),
        ("status", "203.0.113.80", "waybackarchive"),
        ("old.dl", "203.0.113.77", "alienvault"),
    )
    domain = "lantern-harbour.example"
    return [{"host": f"{host}.{domain}", "ip": ip, "input": domain, "source": source} for host, ip, source in hosts]


def _sourced() -> list[dict[str, Any]]:
    """As `subfinder -d … -oJ -cs` writes: hosts with all their sources, not resolved."""
    hosts = (
        ("www", ["crtsh", "alienvault"]),
        ("mail", ["crtsh", "hackertarget", "anubis"]),
        ("orders", ["waybackarchive"]),
        ("lamps", ["crtsh"]),
    )
    domain = "wickandwax.test"
    return [{"host": f"{host}.{domain}", "input": domain, "sources": sources} for host, sources in hosts]


def _csv(rows: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _json_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def _pretty(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
