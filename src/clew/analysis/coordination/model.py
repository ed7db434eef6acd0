"""The constants of the model `fusion-v2`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 1,097,597 candidate pairs (27,000 of them
true) and 477 communities (257 of them campaigns) of 24 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v2"

INTERCEPT: Final = -5.1614
WEIGHTS: Final = {
    "url 0": 6.7774,
    "url 3": 0.4991,
    "url 6": 0.0070,
    "url 10": 0.0001,
    "host 0": 2.6120,
    "host 3": 6.3582,
    "host 6": 0.0083,
    "key 0": 9.2946,
    "key 3": 1.8753,
    "key 6": 0.0007,
    "fingerprint 6": 1.0906,
    "moment 0": 1.8306,
    "moment 3": 0.9999,
    "moment 6": 4.9567,
    "moment 10": 3.4587,
    "cadence 0": 4.1329,
    "cadence 3": 0.5177,
    "prefix 3": 1.6351,
    "asn 6": 0.0393,
    "country 3": 0.5187,
    "debut 0": 2.0294,
    "artefact breadth 2": 0.0413,
    "artefact exclusive 0": 0.5892,
    "artefact exclusive 1": 0.4054,
    "artefact known 0": -3.3789,
    "artefact rarest 0.8": 3.0724,
    "artefact rarest 1.5": 4.8590,
    "artefact company 0": 2.9604,
    "artefact company 0.7": 1.3531,
    "credential breadth 2": 6.5634,
    "credential breadth 3": 6.2015,
    "credential exclusive 3": 2.4473,
    "credential own 0": 1.2203,
    "credential own 1": 1.9789,
    "credential own 2": 2.1292,
    "credential own 3": 0.0848,
    "credential known 0": -3.7026,
    "credential known 3": -6.9539,
    "credential company 1.2": 2.5530,
    "command breadth 1": 2.3034,
    "command breadth 2": 0.5068,
    "command breadth 3": 1.9970,
    "command exclusive 1": 2.3519,
    "command exclusive 2": 5.8961,
    "command own 1": 1.3710,
    "command own 2": 0.0917,
    "command known 0": -1.3373,
    "command known 1": -1.2088,
    "command company 1.2": 3.7441,
    "client known 0": -0.9141,
    "client known 1": -3.6825,
    "client known 2": -0.0004,
    "client rarest 0": 1.5400,
    "http breadth 1": 0.0475,
    "http known 0": -5.6209,
    "size": -1.3784,
}

VERDICT_INTERCEPT: Final = -0.5130
VERDICT: Final = {
    "members": 1.7093,
    "many members": 1.7290,
    "surety": 0.6156,
    "cohesion": 0.0301,
    "meetings": 0.6322,
    "high meetings": 0.1569,
    "known": -0.4773,
    "size": 0.0394,
}
