"""The constants of the model `fusion-v5`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 837,897 pairs (50,620 of them
true) and 670 communities (285 of them campaigns) of 44 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.

They are those of `fusion-v3`. Not fitted anew: `fusion-v4` counts the surety of a few for less (`verdict.terms`), and
`fusion-v5` asks whose the hosts and files are (`leaks`, `operated`) and knows more of what is common (`commonplace`).
"""

from typing import Final

VERSION: Final = "fusion-v5"

INTERCEPT: Final = -5.1908
WEIGHTS: Final = {
    "url 0": 4.2820,
    "url 3": 0.6920,
    "url 6": 0.0065,
    "url 10": 0.0002,
    "host 0": 8.4596,
    "host 3": 1.7994,
    "host 6": 0.0048,
    "key 0": 8.5148,
    "key 3": 1.8875,
    "key 6": 0.0005,
    "template 0": 1.1597,
    "command 10": 0.3087,
    "fingerprint 0": 1.7123,
    "fingerprint 6": 0.3119,
    "moment 0": 3.9473,
    "moment 6": 2.6596,
    "moment 10": 5.1735,
    "cadence 0": 5.9232,
    "prefix 3": 1.6534,
    "asn 3": 0.6608,
    "country 3": 0.5814,
    "country 6": 0.0171,
    "debut 0": 2.0689,
    "debut 6": 2.8367,
    "artefact breadth 2": 0.0352,
    "artefact exclusive 1": 0.2365,
    "artefact own 1": 0.0055,
    "artefact known 0": -5.6446,
    "artefact known 1": -0.5926,
    "artefact rarest 0.8": 5.0834,
    "artefact rarest 1.5": 3.8015,
    "artefact company 0": 0.6760,
    "artefact company 0.7": 1.0546,
    "credential breadth 2": 5.9056,
    "credential own 1": 0.0976,
    "credential own 2": 2.6155,
    "credential own 3": 2.5198,
    "credential known 0": -1.6111,
    "credential known 1": -1.8005,
    "credential known 2": -0.4638,
    "credential known 3": -2.7822,
    "credential company 1.2": 1.0295,
    "command breadth 0": 0.4154,
    "command breadth 1": 0.9509,
    "command breadth 3": 2.3424,
    "command exclusive 2": 2.6228,
    "command exclusive 3": 0.0001,
    "command own 0": 2.0223,
    "command own 1": 4.2515,
    "command known 0": -0.3664,
    "command known 2": -1.3681,
    "command known 3": -0.0440,
    "command company 1.2": 1.4879,
    "client known 0": -1.6208,
    "client known 1": -3.0589,
    "client known 2": -0.0139,
    "http known 0": -3.5065,
    "http known 1": -0.0717,
    "size": -1.5304,
}

VERDICT_INTERCEPT: Final = -4.4744
VERDICT: Final = {
    "members": 1.7876,
    "many members": 1.7088,
    "surety": 0.8798,
    "apart": 1.2067,
    "many far apart": 1.2155,
    "known": -0.4774,
    "size": 0.1041,
}
