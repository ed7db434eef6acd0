"""Which source has which values of which kind: the one long table everything else is counted from.

TRAITS: source (UInt32, position among the sorted addresses) · kind (UInt8) · value (UInt64, digest) · session (UInt32,
one session that shows it: row of the prepared sessions). Each (source, kind, value) once.
GLOSSARY: kind · value · text, what the digests stand for.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from clew.analysis.coordination import canonical, timing
from clew.analysis.coordination.digests import digests, followed
from clew.analysis.coordination.kinds import BY_NAME

TRAITS: Final = pl.Schema({"source": pl.UInt32(), "kind": pl.UInt8(), "value": pl.UInt64(), "session": pl.UInt32()})
GLOSSARY: Final = pl.Schema({"kind": pl.UInt8(), "value": pl.UInt64(), "text": pl.String()})

NUL: Final = "\x00"
EMPTY_FILE: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing: what a download that failed leaves."""

_MOST_VALUES_OF_A_SESSION: Final = 512


@dataclass(frozen=True, slots=True)
class Observed:
    """What the sessions show."""

    traits: pl.DataFrame
    """What counts in the background: every session says the same of it, whatever else is looked at."""
    paired: pl.DataFrame
    """What pairs are compared by: moments only where a source became active, and paces, which need all its sessions."""
    glossary: pl.DataFrame
    sequences: pl.DataFrame
    """`session`, `steps` (List(UInt64)): the canonical commands of each session that has any."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What some sources' sessions show, in tables that add up over sources: `observed` puts them together."""

    common: pl.DataFrame
    """Traits that count and are compared by."""
    counted: pl.DataFrame
    """Traits that only count: every slice in which a source began a session."""
    compared: pl.DataFrame
    """Traits that pairs are only compared by: moments of becoming active, and paces."""
    glossary: pl.DataFrame
    sequences: pl.DataFrame


def observe(sessions: pl.DataFrame, *, timed: bool = True) -> Observed:
    """All traits of prepared sessions; without `timed`, those of minimal depth only."""
    return observed(shown(sessions.with_row_index("session"), timed=timed))


def shown(rows: pl.DataFrame, *, timed: bool) -> Shown:
    """The traits of prepared sessions with their number as `session`: all sessions of some sources."""
    steps = _steps(rows)
    parts = [*_artefacts(rows), *_logins(rows), *_commands(rows, steps), *_network(rows)]
    own: list[_Part] = []
    seen: list[_Part] = []
    if timed:
        parts.append(_texts(rows, "target", _target()))
        own = _times(rows)
        seen = [_moments(rows, timing.activity(rows))]
    sequences = steps.group_by("session", maintain_order=True).agg(pl.col("value").alias("steps"))
    return Shown(
        common=_joined([traits for traits, _ in parts], TRAITS),
        counted=_joined([traits for traits, _ in seen], TRAITS),
        compared=_joined([traits for traits, _ in own], TRAITS),
        glossary=_joined([glossary for _, glossary in (*parts, *own)], GLOSSARY),
        sequences=sequences,
    )


def observed(told: Shown) -> Observed:
    """The tables of all sources as the rest reads them."""
    glossary = told.glossary.unique(["kind", "value"], keep="any")
    traits, paired = pl.concat([told.common, told.counted]), pl.concat([told.common, told.compared])
    return Observed(traits, paired, glossary, told.sequences)


def _joined(parts: list[pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
    return pl.concat(parts, rechunk=True) if parts else pl.DataFrame(schema=schema)


_Part = tuple[pl.DataFrame, pl.DataFrame]


def _texts(rows: pl.DataFrame, kind: str, text: pl.Expr) -> _Part:
    """Traits from one text of each row; null and empty texts say nothing."""
    told = rows.select("source", "session", text.alias("text")).filter(pl.col("text").str.len_bytes() > 0)
    first = told.group_by("source", "text").agg(pl.col("session").min())
    known = first.select(pl.col("text").unique())
    known = known.with_columns(digests(known["text"]).alias("value"), _kind(kind))
    traits = first.join(known, on="text").select(TRAITS.names())
    return traits, known.select(GLOSSARY.names())


def _kind(name: str) -> pl.Expr:
    return pl.lit(BY_NAME[name].number, pl.UInt8()).alias("kind")


def _listed(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """`source`, `session`, `text` for each distinct entry of a list."""
    some = rows.filter(pl.col(column).list.len() > 0).select(
        "source", "session", pl.col(column).list.head(_MOST_VALUES_OF_A_SESSION).alias("text")
    )
    return some.explode("text", empty_as_null=False).group_by("source", "text").agg(pl.col("session").min())


def _mapped(listed: pl.DataFrame, form: pl.Expr) -> pl.DataFrame:
    """Rows with `text` replaced by its canonical form, which is worked out once for each distinct text."""
    forms = listed.select(pl.col("text").unique()).with_columns(form.alias("form"))
    return listed.join(forms, on="text").select("source", pl.col("form").alias("text"), "session")


def _artefacts(rows: pl.DataFrame) -> list[_Part]:
    text = pl.col("text")
    named = _mapped(_listed(rows, "commands"), canonical.urls_in(text)).explode("text", empty_as_null=False)
    urls = pl.concat([_listed(rows, "urls"), named])
    files = _listed(rows, "downloads").filter(text != EMPTY_FILE)
    return [
        _texts(files, "download", text.str.to_lowercase()),
        _texts(_mapped(_listed(rows, "payloads"), canonical.payload(text)), "payload", text),
        _texts(_mapped(urls, canonical.url(text)), "url", text),
        _texts(_mapped(urls, canonical.host(text)), "host", text),
        _texts(_listed(rows, "keys"), "key", text),
        _texts(_mapped(_listed(rows, "http_paths"), canonical.path(text)), "http", text),
        _texts(rows, "client", pl.col("client")),
        _texts(_listed(rows, "fingerprints"), "fingerprint", text),
    ]


def _logins(rows: pl.DataFrame) -> list[_Part]:
    listed = _listed(rows, "credentials")
    text = pl.col("text")
    password = text.str.split_exact(NUL, 1).struct.field("field_1")
    secrets = _mapped(listed, pl.when(password.str.len_chars() >= 4).then(password))
    return [
        _texts(listed, "credential", text),
        _texts(secrets, "secret", text),
        _texts(_mapped(secrets.drop_nulls("text"), canonical.template(text)), "template", text),
    ]


def _steps(rows: pl.DataFrame) -> pl.DataFrame:
    """`session`, `source`, `text`, `value` for each canonical command, in order."""
    lines = (
        rows.filter(pl.col("commands").list.len() > 0)
        .select("session", "source", pl.col("commands").list.head(canonical.MOST_STEPS).alias("line"))
        .explode("line", empty_as_null=False)
    )
    forms = lines.select(pl.col("line").unique()).with_columns(canonical.steps(pl.col("line")).alias("text"))
    steps = lines.join(forms, on="line", how="left", maintain_order="left").drop("line").explode("text")
    steps = steps.drop_nulls("text").filter(pl.int_range(pl.len()).over("session") < canonical.MOST_STEPS)
    known = steps.select(pl.col("text").unique())
    known = known.with_columns(digests(known["text"]).alias("value"))
    return steps.join(known, on="text", how="left", maintain_order="left")


def _commands(rows: pl.DataFrame, steps: pl.DataFrame) -> list[_Part]:
    literals = _mapped(_listed(rows, "commands"), canonical.literals(pl.col("text")))
    single = steps.group_by("source", "value").agg(pl.col("session").min(), pl.col("text").first())
    commands = single.with_columns(_kind("command"))
    return [
        (commands.select(TRAITS.names()), commands.unique("value").select(GLOSSARY.names())),
        _sequences(steps),
        _texts(literals.explode("text", empty_as_null=False), "literal", pl.col("text")),
    ]


def _sequences(steps: pl.DataFrame) -> _Part:
    """Ordered pairs of neighbouring commands: shingles that know of order."""
    pairs = steps.with_columns(pl.col("value", "text").shift(1).over("session").name.prefix("before_")).drop_nulls(
        "before_value"
    )
    mixed = followed(pairs["before_value"], pairs["value"])
    named = pairs.with_columns(pl.Series("value", mixed, dtype=pl.UInt64), _kind("sequence"))
    glossary = named.unique("value", keep="any").with_columns(pl.format("{} → {}", "before_text", "text").alias("text"))
    traits = named.group_by("source", "kind", "value").agg(pl.col("session").min())
    return traits.select(TRAITS.names()), glossary.select(GLOSSARY.names())


def _network(rows: pl.DataFrame) -> list[_Part]:
    single = rows.group_by("source").agg(pl.all().drop_nulls().first())
    address = pl.col("source_ip")
    prefix = pl.coalesce(
        address.str.extract(r"^(\d+\.\d+\.\d+)\.\d+$", 1) + ".0/24",
        address.str.extract(r"(?i)^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):", 1) + "::/48",
    )
    return [
        _texts(single, "prefix", prefix),
        _texts(single, "asn", pl.format("AS{}", "asn")),
        _texts(single, "country", pl.col("country")),
    ]


def _target() -> pl.Expr:
    return pl.format("{}/{}", pl.col("protocol").fill_null("?"), pl.col("target_port"))


def _moments(rows: pl.DataFrame, slices: pl.DataFrame) -> _Part:
    first = rows.group_by("source").agg(pl.col("session").min())
    return _texts(slices.join(first, on="source"), "moment", pl.col("slice").cast(pl.String))


def _times(rows: pl.DataFrame) -> list[_Part]:
    first = rows.group_by("source").agg(pl.col("session").min())
    paces = timing.cadences(rows).join(first, on="source")
    return [
        _moments(rows, timing.onsets(rows)),
        _texts(paces, "cadence", pl.col("cadence").cast(pl.String)),
    ]


def encounters(traits: pl.DataFrame) -> pl.DataFrame:
    """Pairs of moments of each source, as traits of the kind `encounter`.

    Of a source with many moments those with the least digest count, so that two sources choose the same.
    """
    most = timing.MOST_MOMENTS_FOR_ENCOUNTERS
    moments = traits.filter(pl.col("kind") == BY_NAME["moment"].number).sort("source", "value")
    moments = moments.filter(pl.int_range(pl.len()).over("source") < most)
    both = moments.join(moments.select("source", pl.col("value").alias("other")), on="source")
    both = both.filter(pl.col("value") < pl.col("other"))
    mixed = followed(both["value"], both["other"])
    return both.with_columns(pl.Series("value", mixed, dtype=pl.UInt64), _kind("encounter")).select(TRAITS.names())
