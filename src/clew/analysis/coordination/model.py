"""The constants of the model `fusion-v2`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 1,097,597 candidate pairs (27,000 of them
true) and 406 communities (258 of them campaigns) of 24 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v2"

INTERCEPT: Final = -5.2958
WEIGHTS: Final = {
    "url 0": 5.6729,
    "url 3": 0.4758,
    "url 6": 0.0072,
    "url 10": 0.0001,
    "host 0": 2.7332,
    "host 3": 5.8980,
    "host 6": 0.0087,
    "key 0": 8.6043,
    "key 3": 1.7809,
    "key 6": 0.0007,
    "fingerprint 0": 0.5239,
    "fingerprint 6": 1.1946,
    "moment 0": 2.0373,
    "moment 3": 1.0178,
    "moment 6": 5.2651,
    "moment 10": 3.2456,
    "cadence 0": 4.2252,
    "cadence 3": 0.9129,
    "prefix 3": 1.7758,
    "asn 3": 0.0429,
    "asn 6": 0.0355,
    "country 3": 0.6945,
    "debut 0": 2.1094,
    "artefact breadth 2": 0.0422,
    "artefact exclusive 1": 0.4519,
    "artefact own 1": 0.0015,
    "artefact known 0": -2.6938,
    "artefact rarest 0.8": 2.6790,
    "artefact rarest 1.5": 2.9742,
    "artefact company 0": 3.6534,
    "artefact company 0.7": 0.8570,
    "credential breadth 1": 0.4518,
    "credential breadth 2": 6.5662,
    "credential exclusive 3": 1.3618,
    "credential own 0": 0.3376,
    "credential own 1": 2.4916,
    "credential own 2": 4.3339,
    "credential own 3": 0.9079,
    "credential known 0": -2.3118,
    "credential known 1": -1.8708,
    "credential known 3": -0.3571,
    "command breadth 1": 2.4035,
    "command breadth 3": 0.4342,
    "command exclusive 1": 2.0184,
    "command exclusive 2": 2.5720,
    "command own 1": 8.2062,
    "command own 2": 0.1615,
    "command known 0": -0.7118,
    "command known 1": -1.4831,
    "command company 1.2": 2.2055,
    "client known 0": -0.7959,
    "client known 1": -3.3884,
    "client rarest 0": 1.0837,
    "http breadth 1": 0.0349,
    "http known 0": -4.7375,
    "size": -1.9236,
}

VERDICT_INTERCEPT: Final = -2.7686
VERDICT: Final = {
    "members": 1.5021,
    "many members": 1.5660,
    "surety": 0.6069,
    "apart": 1.5415,
    "far apart": 0.0322,
    "meetings": 0.3900,
    "high meetings": 0.4307,
    "known": -0.2724,
    "size": -0.1196,
}
