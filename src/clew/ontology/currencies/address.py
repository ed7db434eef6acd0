"""What every reader of addresses returns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A verified address: `canonical` identifies it within `network`, `shown` is how wallets write it."""

    network: str
    format: str
    canonical: str
    shown: str
    payload: bytes  # what the address commits to: a key or script hash, a witness program, or keys
    testnet: bool = False
