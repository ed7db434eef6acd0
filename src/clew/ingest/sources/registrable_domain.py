"""The registered domain of a host name, by the public suffix list."""

from clew.ontology.values.domain import suffixes


def registrable_domain(host: str) -> str | None:
    """The domain someone registered, such as "example.co.uk" of "a.example.co.uk"; None of a suffix or unknown name."""
    extracted = suffixes()(host)
    return f"{extracted.domain}.{extracted.suffix}" if extracted.domain and extracted.suffix else None


def registrable_label(host: str) -> str | None:
    """The registered domain's own label, such as "example" of "a.example.co.uk"; None where there is none."""
    extracted = suffixes()(host)
    return extracted.domain or None if extracted.suffix else None
