"""The constants of the model `fusion-v2`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on 411,666 candidate pairs (25,110 of them
true) and 388 communities (293 of them campaigns) of 36 generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "fusion-v2"

INTERCEPT: Final = -3.5411
WEIGHTS: Final = {
    "download 0": 1.6682,
    "url 0": 3.0326,
    "url 3": 0.6549,
    "url 6": 0.0043,
    "url 10": 0.0001,
    "host 0": 6.0903,
    "host 3": 2.2424,
    "host 6": 0.0046,
    "key 0": 7.9848,
    "key 3": 1.9940,
    "key 6": 0.0005,
    "credential 0": 0.0406,
    "command 10": 0.1342,
    "fingerprint 0": 0.9812,
    "fingerprint 6": 1.1878,
    "moment 0": 0.9152,
    "moment 3": 2.0342,
    "moment 6": 2.3239,
    "moment 10": 4.5110,
    "cadence 0": 4.2735,
    "cadence 3": 1.3538,
    "prefix 3": 1.0559,
    "asn 6": 0.0252,
    "country 3": 0.4863,
    "debut 0": 1.9811,
    "debut 6": 1.8399,
    "artefact breadth 2": 0.0194,
    "artefact exclusive 1": 0.2503,
    "artefact own 1": 0.0054,
    "artefact known 0": -3.9982,
    "artefact known 1": -1.0621,
    "artefact rarest 0.8": 3.0189,
    "artefact rarest 1.5": 2.6890,
    "artefact company 0": 0.3137,
    "artefact company 0.7": 1.6127,
    "credential breadth 2": 5.8535,
    "credential breadth 3": 4.2001,
    "credential exclusive 2": 0.2421,
    "credential own 1": 1.3099,
    "credential own 2": 1.4472,
    "credential own 3": 1.3200,
    "credential known 0": -3.3082,
    "credential known 2": -2.0664,
    "credential known 3": -3.8268,
    "credential company 1.2": 0.6170,
    "command breadth 1": 0.6406,
    "command breadth 3": 3.2779,
    "command exclusive 1": 1.1542,
    "command exclusive 2": 1.3792,
    "command own 0": 1.3189,
    "command own 1": 6.4058,
    "command own 2": 0.4969,
    "command known 0": -0.9207,
    "command known 1": -0.1142,
    "command known 2": -2.7843,
    "command known 3": -0.3186,
    "command rarest 2.2": 0.0751,
    "command company 0": 0.1679,
    "command company 1.2": 0.9073,
    "client known 0": -0.9056,
    "client known 1": -2.3385,
    "http known 0": -3.7687,
    "http known 1": -0.1624,
    "size": -2.0138,
}

VERDICT_INTERCEPT: Final = -2.8987
VERDICT: Final = {
    "members": 1.5895,
    "many members": 1.5252,
    "surety": 0.5411,
    "apart": 2.0317,
    "meetings": 0.6148,
    "known": -0.2703,
    "size": 0.1985,
}
