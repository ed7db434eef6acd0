"""The registered domain of a host name, by the public suffix list that tldextract ships: no network, no cache files."""

from functools import cache

import tldextract


def registrable_domain(host: str) -> str | None:
    """The domain someone registered, such as "example.co.uk" of "a.example.co.uk"; None of a suffix or unknown name."""
    extracted = _extractor()(host)
    return f"{extracted.domain}.{extracted.suffix}" if extracted.domain and extracted.suffix else None


def registrable_label(host: str) -> str | None:
    """The registered domain's own label, such as "example" of "a.example.co.uk"; None where there is none."""
    extracted = _extractor()(host)
    return extracted.domain or None if extracted.suffix else None


@cache
def _extractor() -> tldextract.TLDExtract:
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
