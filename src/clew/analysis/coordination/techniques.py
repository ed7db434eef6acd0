"""MITRE ATT&CK techniques told by commands: a table of rules, each a pattern over one canonical command.

Identifiers and names are those of ATT&CK Enterprise v16. A command may tell several techniques; a rule says each at
most once for a command. `docs/reference/techniques.md` is made from this table.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from clew.analysis.coordination import canonical


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: an RE2-like pattern (Polars' regular expressions), and what it tells."""

    name: str
    id: str
    technique: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique seen: by which rule, in how many of the commands given."""

    id: str
    name: str
    count: int
    rule: str


RULES: Final = (
    Rule("system-information", "T1082", "System Information Discovery", r"^(?:uname|hostnamectl|lscpu|lspci|dmidecode|nproc|free|uptime|arch)\b|/proc/(?:cpuinfo|meminfo|version|uptime)|/etc/(?:issue|os-release|lsb-release)|nvidia-smi"),
    Rule("user-discovery", "T1033", "System Owner/User Discovery", r"^(?:whoami|id|w|who|last|users)\b"),
    Rule("account-discovery", "T1087.001", "Account Discovery: Local Account", r"\b(?:cat|grep|awk|cut|head|less|more)\b.*/etc/(?:passwd|group)\b"),
    Rule("process-discovery", "T1057", "Process Discovery", r"^(?:ps|top|pgrep|pstree)\b|/proc/(?:\[0-9\]\S*|\d+|self|\*|\$\w+)/(?:exe|cmdline|status|maps)"),
    Rule("file-discovery", "T1083", "File and Directory Discovery", r"^(?:ls|find|locate|which|dir|tree)\b"),
    Rule("network-configuration", "T1016", "System Network Configuration Discovery", r"^(?:ifconfig|ip\s+(?:a|addr|route|r|link)|route|arp)\b|/etc/resolv\.conf$|^/ip\s|(?:ifconfig\.me|ipinfo\.io|icanhazip|ip-api\.com)"),
    Rule("network-connections", "T1049", "System Network Connections Discovery", r"^(?:netstat|ss|lsof\s+-i)\b|/proc/net/tcp"),
    Rule("mounts", "T1082", "System Information Discovery", r"^(?:df|mount|lsblk|fdisk)\b|/proc/mounts"),
    Rule("software-discovery", "T1518", "Software Discovery", r"^(?:dpkg\s+-l|rpm\s+-qa|(?:python[23]?|gcc|perl|docker|php|java)\s+(?:--?version|-V))"),
    Rule("debugger-evasion", "T1622", "Debugger Evasion", r"(?i)tracerpid|grep.*tracer"),
    Rule("ingress-tool", "T1105", "Ingress Tool Transfer", r"\b(?:wget|curl|t?ftp(?:get)?|scp|sftp|rsync)\b.*(?:<url>|<ip>|-g\b|-r\b)|busybox\s+(?:wget|tftp|curl|ftpget)\b"),
    Rule("unix-shell", "T1059.004", "Command and Scripting Interpreter: Unix Shell", r"^(?:(?:/bin/)?(?:ba|da|z)?sh\b|shell$|linuxshell$|system$|enable$)"),
    Rule("python", "T1059.006", "Command and Scripting Interpreter: Python", r"\bpython[23]?\s+(?:-c|\S+\.py)"),
    Rule("perl", "T1059", "Command and Scripting Interpreter", r"\b(?:perl|php|ruby|lua)\s+(?:-e\b|-r\b|\S+\.(?:pl|php|rb|lua))"),
    Rule("decode", "T1140", "Deobfuscate/Decode Files or Information", r"base64\s+(?:-d|--decode|-D)|openssl\s+(?:enc|base64)\s.*-d|xxd\s+-r|echo\s+-\w*e\w*\s.*<bytes>.*>"),
    Rule("encoded-content", "T1027", "Obfuscated Files or Information", r"<base64>|<bytes>"),
    Rule("make-executable", "T1222.002", "File and Directory Permissions Modification: Linux and Mac", r"^(?:sudo\s+)?(?:chmod|chattr|chown|setfacl)\b"),
    Rule("authorized-keys", "T1098.004", "Account Manipulation: SSH Authorized Keys", r"authorized_keys|mkdir\s.*\.ssh\b"),
    Rule("change-password", "T1098", "Account Manipulation", r"^(?:sudo\s+)?(?:passwd|chpasswd|usermod)\b|\|\s*chpasswd"),
    Rule("create-account", "T1136.001", "Create Account: Local Account", r"^(?:sudo\s+)?(?:useradd|adduser)\b|>>\s*/etc/passwd"),
    Rule("cron", "T1053.003", "Scheduled Task/Job: Cron", r"\bcrontab\b|/etc/cron|/var/spool/cron"),
    Rule("systemd", "T1543.002", "Create or Modify System Process: Systemd Service", r"/etc/systemd/system|systemctl\s+(?:enable|daemon-reload)"),
    Rule("boot-script", "T1037.004", "Boot or Logon Initialization Scripts: RC Scripts", r"/etc/(?:rc\.local|init\.d|rc\d?\.d)"),
    Rule("shell-profile", "T1546.004", "Event Triggered Execution: Unix Shell Configuration Modification", r">>?\s*\S*(?:\.bashrc|\.profile|\.bash_profile|/etc/profile)"),
    Rule("preload", "T1574.006", "Hijack Execution Flow: Dynamic Linker Hijacking", r"ld\.so\.preload|LD_PRELOAD="),
    Rule("sudo", "T1548.003", "Abuse Elevation Control Mechanism: Sudo and Sudo Caching", r"^(?:sudo|su)\b|/etc/sudoers"),
    Rule("clear-history", "T1070.003", "Indicator Removal: Clear Command History", r"history\s+-[cw]|HISTFILE|HISTSIZE=0|\.bash_history"),
    Rule("delete-files", "T1070.004", "Indicator Removal: File Deletion", r"^(?:busybox\s+)?(?:rm|shred|unlink)\s"),
    Rule("clear-logs", "T1070.002", "Indicator Removal: Clear Linux or Mac System Logs", r"(?:rm|>|truncate|echo)\s.*/var/log/|/var/log/(?:wtmp|btmp|lastlog)"),
    Rule("timestomp", "T1070.006", "Indicator Removal: Timestomp", r"\btouch\s+-(?:r|t|d|a|m)"),
    Rule("hidden-files", "T1564.001", "Hide Artifacts: Hidden Files and Directories", r"(?:mkdir|touch|mv|cp|cat|echo|cd|>)\s.*/(?:tmp|var/tmp|dev/shm|var/run)/\.[\w<]"),
    Rule("disable-firewall", "T1562.004", "Impair Defenses: Disable or Modify System Firewall", r"iptables\s+(?:-F|-X|--flush|-P\s+\w+\s+ACCEPT)|ufw\s+disable|stop\s+(?:firewalld|iptables)|service\s+iptables\s+stop"),
    Rule("disable-tools", "T1562.001", "Impair Defenses: Disable or Modify Tools", r"setenforce\s+0|stop\s+(?:apparmor|auditd|aliyun\S*)|apparmor|aegis|cloudmonitor"),
    Rule("kill-others", "T1489", "Service Stop", r"^(?:pkill|killall|kill)\b|systemctl\s+(?:stop|disable)|service\s+\S+\s+stop"),
    Rule("mining", "T1496.001", "Resource Hijacking: Compute Hijacking", r"(?i)xmrig|minerd|cpuminer|stratum\+|monero|hashvault|nicehash|kdevtmpfsi|kinsing"),
    Rule("dns-change", "T1565.001", "Data Manipulation: Stored Data Manipulation", r">>?\s*/etc/(?:resolv\.conf|hosts)"),
    Rule("shadow", "T1003.008", "OS Credential Dumping: /etc/passwd and /etc/shadow", r"/etc/shadow"),
    Rule("private-keys", "T1552.004", "Unsecured Credentials: Private Keys", r"\.ssh/id_|find\s.*(?:id_rsa|\.pem|wallet)|known_hosts"),
    Rule("cloud-credentials", "T1552.001", "Unsecured Credentials: Credentials In Files", r"\.aws/credentials|\.env\b|config\.php|\.git-credentials"),
    Rule("background", "T1564.011", "Hide Artifacts: Ignore Process Interrupts", r"^nohup\b|\bdisown\b|\bsetsid\b"),
    Rule("botnet-probe", "T1497.001", "Virtualization/Sandbox Evasion: System Checks", r"busybox\s+(?:<name>|[A-Z]{4,})|/proc/self/exe|dd\s+bs=\d+\s+count=1\s+if="),
    Rule("archive", "T1560.001", "Archive Collected Data: Archive via Utility", r"^(?:tar\s+-?c|zip|7z\s+a|gzip\s)"),
    Rule("tunnel", "T1572", "Protocol Tunneling", r"\bssh\s+.*-[RLD]\b|ngrok|frpc|chisel"),
    Rule("remote-shell", "T1059.004", "Command and Scripting Interpreter: Unix Shell", r"/dev/tcp/|\bnc\b.*\s-e|bash\s+-i\b"),
    Rule("scan-others", "T1046", "Network Service Discovery", r"\b(?:nmap|masscan|zmap|pnscan)\b"),
    Rule("remote-login", "T1021.004", "Remote Services: SSH", r"^(?:ssh|sshpass)\s"),
    Rule("destroy", "T1485", "Data Destruction", r"rm\s+-\w*r\w*f?\w*\s+(?:/\s*$|/\*|--no-preserve-root)|dd\s+if=/dev/(?:zero|urandom)\s+of=/dev/"),
    Rule("reboot", "T1529", "System Shutdown/Reboot", r"^(?:reboot|shutdown|halt|poweroff|init\s+[06])\b"),
)  # fmt: skip


def techniques(commands: Iterable[str]) -> tuple[Technique, ...]:
    """Techniques in raw command lines, most frequent first; each command line counts once for a rule."""
    lines = Counter(commands)
    if not lines:
        return ()
    frame = pl.DataFrame(
        {"line": list(lines), "times": list(lines.values())}, schema={"line": pl.String, "times": pl.Int64}
    )
    step = pl.col("step")
    steps = frame.select("times", canonical.steps(pl.col("line")).alias("step"), pl.col("line").alias("key"))
    told = (
        steps.explode("step")
        .drop_nulls("step")
        .select("times", "key", *(step.str.contains(rule.pattern).alias(rule.name) for rule in RULES))
    )
    seen = told.group_by("key").agg(pl.col("times").first(), pl.col(rule.name for rule in RULES).any())
    counts = seen.select(pl.col("times").filter(pl.col(rule.name)).sum().alias(rule.name) for rule in RULES).row(0)
    found = [
        Technique(rule.id, rule.technique, int(count), rule.name) for rule, count in zip(RULES, counts, strict=True)
    ]
    return tuple(sorted((one for one in found if one.count), key=lambda one: (-one.count, one.id, one.rule)))
