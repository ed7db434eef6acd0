"""The constants of the model `fusion-v1`: log-odds for each term of `fusion.terms` and of `verdict.TERMS`.

Written by `python -m bench.coordination.fitting`, which fitted them on 774,379 candidate pairs (22,278 of them true)
and 365 communities (118 of them campaigns) of 15 generated worlds. They are not changed by hand: a new fit
is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v1"

INTERCEPT: Final = -6.9761
WEIGHTS: Final = {
    "url 0": 2.8696,
    "url 10": 0.0035,
    "host 0": 3.9073,
    "host 6": 1.1690,
    "host 10": 0.0002,
    "key 0": 5.0720,
    "credential 0": 0.7474,
    "secret 0": 1.5766,
    "command 3": 0.3208,
    "moment 0": 2.1104,
    "moment 3": 1.4740,
    "moment 6": 5.5591,
    "moment 10": 1.7535,
    "cadence 0": 3.8014,
    "prefix 3": 0.8855,
    "asn 3": 0.7016,
    "asn 6": 0.0059,
    "debut 0": 1.1971,
    "debut 6": 1.9042,
    "credential breadth 1": 0.8445,
    "credential breadth 2": 3.7573,
    "credential exclusive 3": 3.5132,
    "command breadth 2": 6.9843,
    "command exclusive 2": 0.2397,
    "client breadth 0": 2.9651,
    "size": -1.0301,
}

VERDICT_INTERCEPT: Final = 1.7928
VERDICT: Final = {
    "members": 2.3872,
    "surety": 0.9928,
    "reasons": -0.5235,
    "nats": -1.1641,
    "exclusive": -0.4815,
    "size": 0.2830,
}
