"""The constants of the model `fusion-v2`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 468,018 candidate pairs (31,563 of them
true) and 432 communities (274 of them campaigns) of 36 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v2"

INTERCEPT: Final = -3.9157
WEIGHTS: Final = {
    "download 0": 0.8065,
    "url 0": 2.8528,
    "url 3": 0.4463,
    "url 6": 0.0053,
    "url 10": 0.0001,
    "host 0": 5.0605,
    "host 3": 1.3944,
    "host 6": 0.0048,
    "key 0": 7.7838,
    "key 3": 1.5509,
    "key 6": 0.0003,
    "command 10": 0.3627,
    "fingerprint 0": 0.7226,
    "fingerprint 6": 0.1121,
    "moment 0": 0.2042,
    "moment 3": 3.5690,
    "moment 6": 3.4022,
    "moment 10": 4.5849,
    "cadence 0": 2.0833,
    "prefix 3": 1.9147,
    "asn 3": 0.6317,
    "asn 6": 0.0258,
    "country 3": 1.0078,
    "debut 0": 1.5682,
    "debut 6": 3.3414,
    "handover 3": 0.0002,
    "artefact breadth 2": 0.0230,
    "artefact exclusive 1": 0.1601,
    "artefact own 1": 0.0041,
    "artefact known 0": -4.0113,
    "artefact known 1": -1.0595,
    "artefact rarest 0.8": 4.9112,
    "artefact rarest 1.5": 3.4478,
    "artefact company 0.7": 1.3338,
    "credential breadth 2": 6.3569,
    "credential own 1": 1.2889,
    "credential own 2": 2.9718,
    "credential own 3": 2.4053,
    "credential known 0": -3.8859,
    "credential known 1": -1.5512,
    "credential known 2": -1.4256,
    "credential known 3": -5.2579,
    "credential company 1.2": 2.9759,
    "command breadth 1": 1.9492,
    "command breadth 2": 0.5252,
    "command breadth 3": 3.3779,
    "command exclusive 1": 0.4472,
    "command exclusive 2": 1.8167,
    "command own 0": 1.8655,
    "command own 1": 3.3319,
    "command known 0": -0.5840,
    "command known 2": -0.4362,
    "command company 0": 0.2857,
    "command company 0.7": 0.0464,
    "command company 1.2": 1.3476,
    "client known 0": -1.2734,
    "client known 1": -1.5033,
    "http known 0": -2.9761,
    "http known 1": -0.1209,
    "size": -3.1034,
}

VERDICT_INTERCEPT: Final = -4.5226
VERDICT: Final = {
    "members": 2.2963,
    "many members": 2.0055,
    "surety": 0.7594,
    "apart": 0.8475,
    "far apart": 1.0100,
    "meetings": 0.4607,
    "known": -0.1827,
    "size": 0.1036,
}
