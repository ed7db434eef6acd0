"""The constants of the model `fusion-v1`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 613,583 candidate pairs (9,555 of them
true) and 157 communities (85 of them campaigns) of 13 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v1"

INTERCEPT: Final = -6.3285
WEIGHTS: Final = {
    "download 0": 0.2720,
    "url 0": 3.3344,
    "url 3": 0.4783,
    "url 6": 0.0258,
    "host 0": 3.9304,
    "host 3": 6.8806,
    "host 6": 0.0112,
    "key 0": 6.6703,
    "key 3": 2.4470,
    "secret 0": 0.6766,
    "fingerprint 0": 0.0950,
    "fingerprint 6": 0.3520,
    "moment 0": 1.7542,
    "moment 3": 2.2486,
    "moment 6": 4.7694,
    "moment 10": 2.7581,
    "cadence 0": 5.6231,
    "prefix 3": 2.0643,
    "country 0": 0.0412,
    "debut 0": 1.8088,
    "artefact breadth 2": 0.1195,
    "artefact exclusive 2": 0.0001,
    "artefact rarest 1.5": 0.3319,
    "artefact rarest 2.2": 6.5837,
    "credential breadth 2": 1.3949,
    "credential exclusive 2": 2.8978,
    "credential exclusive 3": 6.4088,
    "command breadth 1": 1.3676,
    "command exclusive 1": 2.1789,
    "command exclusive 2": 10.6394,
    "client exclusive 0": 0.4144,
    "client rarest 0": 0.7213,
    "size": -2.0503,
}

VERDICT_INTERCEPT: Final = -2.0536
VERDICT: Final = {
    "members": 1.2262,
    "surety": 0.6797,
    "size": -0.1141,
}
