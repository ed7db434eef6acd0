"""The constants of the model `fusion-v1`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 736,197 candidate pairs (22,392 of them
true) and 381 communities (116 of them campaigns) of 15 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v1"

INTERCEPT: Final = -7.0980
WEIGHTS: Final = {
    "download 3": 0.1738,
    "url 0": 3.1387,
    "url 10": 0.0008,
    "host 0": 3.9434,
    "host 10": 0.0002,
    "key 0": 3.8999,
    "literal 0": 0.1475,
    "credential 0": 1.2599,
    "secret 0": 1.3117,
    "template 3": 0.0498,
    "moment 0": 1.5534,
    "moment 3": 2.5573,
    "moment 6": 4.3889,
    "moment 10": 2.9701,
    "cadence 0": 4.7414,
    "cadence 3": 0.8551,
    "cadence 6": 0.0038,
    "prefix 3": 0.8539,
    "prefix 6": 0.1353,
    "country 6": 0.0044,
    "debut 0": 1.1526,
    "debut 6": 2.6163,
    "credential breadth 1": 0.9754,
    "credential breadth 2": 3.8363,
    "credential exclusive 3": 2.6692,
    "command breadth 2": 6.8151,
    "command exclusive 2": 3.3879,
    "client breadth 0": 3.1126,
    "size": -1.1409,
}

VERDICT_INTERCEPT: Final = -2.5703
VERDICT: Final = {
    "members": 2.3764,
    "surety": 0.3730,
    "size": -0.7300,
}
