"""The constants of the model `fusion-v2`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 1,257,927 candidate pairs (32,412 of them
true) and 514 communities (288 of them campaigns) of 24 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v2"

INTERCEPT: Final = -5.2241
WEIGHTS: Final = {
    "url 0": 5.9041,
    "url 3": 0.3950,
    "url 6": 0.0041,
    "url 10": 0.0001,
    "host 0": 2.6409,
    "host 3": 5.6238,
    "host 6": 0.0063,
    "key 0": 9.7946,
    "key 3": 1.9967,
    "key 6": 0.0005,
    "credential 0": 0.2372,
    "secret 0": 0.4731,
    "fingerprint 6": 1.3075,
    "moment 0": 2.3138,
    "moment 3": 0.2597,
    "moment 6": 4.9492,
    "moment 10": 3.6544,
    "cadence 0": 7.6692,
    "prefix 0": 0.1228,
    "prefix 3": 1.9791,
    "country 3": 0.0219,
    "debut 0": 1.8654,
    "artefact breadth 2": 0.0299,
    "artefact exclusive 0": 4.2574,
    "artefact exclusive 1": 0.2871,
    "artefact own 1": 0.0010,
    "artefact known 0": -1.3168,
    "artefact rarest 1.5": 3.3317,
    "artefact company 0": 0.4265,
    "artefact company 0.7": 0.4387,
    "credential breadth 1": 0.0703,
    "credential breadth 2": 6.6674,
    "credential breadth 3": 1.2004,
    "credential exclusive 2": 0.4097,
    "credential exclusive 3": 5.1054,
    "credential own 1": 0.1390,
    "credential known 0": -3.5426,
    "credential known 2": -0.6662,
    "command breadth 0": 0.0943,
    "command breadth 1": 1.6477,
    "command breadth 2": 1.7243,
    "command breadth 3": 6.8365,
    "command exclusive 0": 0.3400,
    "command exclusive 1": 1.9239,
    "command exclusive 2": 3.4409,
    "command known 0": -1.1280,
    "command known 1": -1.2603,
    "client known 0": -0.3043,
    "http exclusive 0": 0.2232,
    "http own 0": 0.0808,
    "http known 0": -4.8114,
    "http known 1": -0.3430,
    "http rarest 0.8": 0.0493,
    "http company 0": 0.3226,
    "size": -1.3945,
}

VERDICT_INTERCEPT: Final = 0.3308
VERDICT: Final = {
    "members": 1.2838,
    "surety": 0.4745,
    "meetings": 0.4419,
    "known": -0.6083,
    "size": 0.2269,
}
