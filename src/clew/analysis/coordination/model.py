"""The constants of the model `fusion-v1`.

Placeholder until fitted: by hand.
"""

from typing import Final

VERSION: Final = "fusion-v1"

INTERCEPT: Final = -6.5
WEIGHTS: Final = {
    "download": 2.0, "payload": 2.0, "url": 2.5, "host": 2.5, "key": 4.0, "literal": 4.0, "literal+": 2.0,
    "credential": 3.5, "credential+": 4.0, "secret": 1.0, "template": 1.0, "command": 2.0, "command+": 1.0,
    "sequence": 2.5, "sequence+": 1.0, "client": 2.5, "fingerprint": 3.0, "http": 1.5, "moment": 2.5, "moment+": 5.0,
    "cadence": 1.5, "prefix": 2.0, "asn": 0.5, "country": 0.3, "target": 0.5, "debut": 1.0, "handover": 0.5,
    "breadth": 0.5, "differs": -1.0, "two reasons": 1.0, "three reasons": 1.0, "four reasons": 0.5, "size": -0.3,
}  # fmt: skip
