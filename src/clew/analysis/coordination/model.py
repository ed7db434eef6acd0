"""The constants of the model `fusion-v2`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 1,740,232 candidate pairs (31,087 of them
true) and 484 communities (314 of them campaigns) of 36 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v2"

INTERCEPT: Final = -5.0778
WEIGHTS: Final = {
    "url 0": 8.5013,
    "url 3": 1.3529,
    "url 6": 0.0067,
    "url 10": 0.0002,
    "host 0": 2.5187,
    "host 3": 6.9764,
    "host 6": 0.0067,
    "key 0": 7.9685,
    "key 3": 1.9098,
    "key 6": 0.0006,
    "fingerprint 0": 0.4563,
    "fingerprint 6": 0.7440,
    "moment 0": 1.1368,
    "moment 3": 2.1318,
    "moment 6": 3.8614,
    "moment 10": 5.0401,
    "cadence 0": 4.0311,
    "cadence 3": 1.2710,
    "prefix 3": 0.3762,
    "asn 3": 0.3100,
    "country 3": 1.4270,
    "country 6": 0.0056,
    "debut 0": 2.0021,
    "artefact breadth 2": 0.0338,
    "artefact exclusive 1": 0.7069,
    "artefact own 1": 0.0072,
    "artefact known 0": -5.0159,
    "artefact rarest 0.8": 5.1147,
    "artefact rarest 1.5": 3.2131,
    "artefact company 0": 1.0857,
    "artefact company 0.7": 0.7475,
    "credential breadth 1": 0.1838,
    "credential breadth 2": 6.5747,
    "credential own 1": 1.8132,
    "credential own 2": 4.6582,
    "credential own 3": 1.8272,
    "credential known 0": -3.0239,
    "credential known 2": -0.3569,
    "credential known 3": -0.0935,
    "command breadth 1": 1.3142,
    "command breadth 2": 0.9272,
    "command breadth 3": 2.6143,
    "command exclusive 1": 0.9184,
    "command exclusive 2": 0.8421,
    "command exclusive 3": 0.0001,
    "command own 0": 1.4398,
    "command own 1": 12.0735,
    "command own 2": 0.1214,
    "command known 0": -0.9971,
    "command known 2": -3.3376,
    "command company 0.7": 0.5998,
    "client known 0": -0.0707,
    "client known 1": -1.7285,
    "client rarest 0": 0.0536,
    "http known 0": -4.3983,
    "size": -2.2487,
}

VERDICT_INTERCEPT: Final = -2.3817
VERDICT: Final = {
    "members": 2.5256,
    "many members": 1.4862,
    "surety": 0.5326,
    "apart": 2.2819,
    "far apart": 0.2019,
    "meetings": 0.9969,
    "high meetings": 0.1420,
    "known": -0.4664,
    "size": -1.1775,
}
