"""The constants of the model `fusion-v2`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 423,385 candidate pairs (25,171 of them
true) and 382 communities (268 of them campaigns) of 36 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v2"

INTERCEPT: Final = -4.1790
WEIGHTS: Final = {
    "download 0": 0.8329,
    "url 0": 2.8464,
    "url 3": 0.4994,
    "url 6": 0.0048,
    "url 10": 0.0001,
    "host 0": 4.5593,
    "host 3": 1.3392,
    "host 6": 0.0052,
    "key 0": 7.9561,
    "key 3": 1.6332,
    "key 6": 0.0003,
    "command 10": 0.2783,
    "sequence 0": 0.0235,
    "fingerprint 0": 0.2273,
    "fingerprint 6": 0.3670,
    "moment 0": 0.5194,
    "moment 3": 3.4928,
    "moment 6": 2.6096,
    "moment 10": 5.1385,
    "cadence 0": 3.1469,
    "cadence 3": 0.7614,
    "prefix 0": 0.3378,
    "prefix 3": 1.6443,
    "prefix 6": 0.0759,
    "asn 3": 0.8379,
    "country 3": 1.0989,
    "debut 0": 1.3249,
    "debut 6": 4.0403,
    "artefact breadth 2": 0.0215,
    "artefact exclusive 1": 0.1587,
    "artefact own 1": 0.0042,
    "artefact known 0": -3.1476,
    "artefact known 1": -0.4992,
    "artefact rarest 0.8": 4.2485,
    "artefact rarest 1.5": 3.3226,
    "artefact company 0": 0.0583,
    "artefact company 0.7": 1.5612,
    "credential breadth 2": 5.5843,
    "credential own 1": 2.3033,
    "credential own 2": 2.8656,
    "credential own 3": 0.3626,
    "credential known 0": -3.9079,
    "credential known 1": -0.8744,
    "credential known 2": -2.1231,
    "credential known 3": -7.6011,
    "credential company 1.2": 2.5718,
    "command breadth 1": 1.3327,
    "command breadth 2": 0.5155,
    "command breadth 3": 4.5254,
    "command exclusive 1": 0.9130,
    "command exclusive 2": 0.8476,
    "command own 0": 1.5625,
    "command own 1": 3.5815,
    "command known 0": -0.1415,
    "command known 2": -0.8944,
    "command known 3": -0.0036,
    "command rarest 1.5": 0.3168,
    "command rarest 2.2": 0.0223,
    "command company 0": 0.1753,
    "command company 1.2": 1.1448,
    "client known 0": -1.3049,
    "client known 1": -0.4466,
    "http known 0": -2.8837,
    "http known 1": -0.1222,
    "size": -2.6544,
}

VERDICT_INTERCEPT: Final = -4.3896
VERDICT: Final = {
    "members": 2.6121,
    "many members": 1.8193,
    "surety": 1.1333,
    "apart": 0.5847,
    "far apart": 1.1331,
    "known": -0.3125,
    "size": 0.1385,
}
