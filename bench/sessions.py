"""What happens in one connection: scripts of the five shapes of `bench.shapes`, and their performance as log lines."""

from dataclasses import dataclass, field
from random import Random

from bench import shapes, vocabulary
from bench.lines import (
    LANGUAGE,
    PARAMETERS,
    TERMINAL_SIZE,
    Session,
    client_version,
    command,
    key_exchange,
    login,
    public_key,
)
from bench.sampling import SECOND, Zipf, address, digest_text
from bench.vocabulary import Client

Fetched = tuple[str, str]
"""(URL, SHA-256) of a file that a command downloads."""


@dataclass(slots=True)
class Script:
    """Everything one session does, in the order in which it does it."""

    protocol: str = "ssh"
    hello: tuple[str, ...] = ()
    attempts: list[str] = field(default_factory=list)
    admitted: bool = False
    interactive: bool = False
    commands: list[tuple[str, Fetched | None]] = field(default_factory=list)
    tunnels: list[tuple[str, int]] = field(default_factory=list)
    uploads: list[tuple[str, str]] = field(default_factory=list)
    """(file name, SHA-256) of files sent over SFTP."""
    leaves_key: bool = False
    idles: float = 0.0
    """Seconds of doing nothing before the end."""


class Traffic:
    """Draws the scripts of ordinary sources and performs scripts. One instance writes one log."""

    def __init__(self, seed: int, random: Random) -> None:
        self._seed = seed
        self._random = random
        self._uniform = random.random
        pairs = vocabulary.credentials(Random(f"{seed}/credentials"), shapes.CREDENTIAL_PAIRS)
        self.failures = [login(name, password) for name, password in pairs]
        self.successes = [login(name, password, succeeded=True) for name, password in pairs]
        self.clients = vocabulary.clients(Random(f"{seed}/clients"))
        self._hellos = [self.hello(client) for client in self.clients]
        self._commands = (*vocabulary.RECONNAISSANCE, *vocabulary.ACTIONS)
        self._heads = {text: command(text) for text in (*self._commands, *vocabulary.MIRAI_OPENING)}
        self._downloads = [self._download(rank) for rank in range(shapes.DOWNLOAD_URLS)]
        self._keys = [public_key("root", f"{seed}/{number}") for number in range(20)]
        self._pair = Zipf(random, len(pairs), shapes.CREDENTIAL_EXPONENT)
        self._client = Zipf(random, len(self.clients), shapes.CLIENT_EXPONENT)
        self._command = Zipf(random, len(self._commands), shapes.COMMAND_EXPONENT)
        self._url = Zipf(random, shapes.DOWNLOAD_URLS, shapes.DOWNLOAD_EXPONENT)
        self._recordings: set[str] = set()
        self._shapes = tuple(shapes.SHAPE_SHARES)
        self._shares = tuple(shapes.SHAPE_SHARES.values())

    @staticmethod
    def hello(client: Client) -> tuple[str, ...]:
        """What a client says before it tries to log in."""
        return client_version(client.version), key_exchange(client)

    def client_of(self, source: int) -> int:
        """Index of the client an ordinary source uses; the same every time."""
        draw = (source * 2_654_435_761 + self._seed) % 2**32 / 2**32
        return int(len(self.clients) ** draw) - 1

    def ordinary(self, source: int) -> Script:
        """A script for one session of an ordinary source: common habits only, which must link it to nobody."""
        shape = self._random.choices(self._shapes, self._shares)[0]
        hello = self._hellos[self.client_of(source)]
        if shape == "scan":
            return Script(hello=hello[:1] if self._uniform() < 0.3 else (), idles=self._pause())
        if shape == "guess":
            guesses = self._guesses(min(1 + int(self._random.expovariate(0.25)), 20))
            if self._uniform() < shapes.OFFERING_KEYS:
                guesses[:0] = self._random.choice(self._keys)
            return Script(hello=hello, attempts=guesses, idles=self._pause())
        if shape == "intrude":
            return self._intrusion(hello)
        if shape == "tunnel":
            return self._proxying(hello)
        return self._telnet()

    def _pause(self) -> float:
        """Seconds before the end: most leave at once, some hang until the honeypot's login timeout."""
        return 120.0 if self._uniform() < shapes.HANGING else self._uniform() * 3

    def _guesses(self, count: int) -> list[str]:
        draw, failures = self._pair.draw, self.failures
        return [failures[draw()] for _ in range(count)]

    def _intrusion(self, hello: tuple[str, ...]) -> Script:
        uniform = self._uniform
        script = Script(hello=hello, attempts=self._guesses(int(uniform() * 3)), admitted=True)
        script.attempts.append(self.successes[self._pair.draw()])
        script.interactive = uniform() < 0.2
        script.leaves_key = uniform() < 0.08
        texts = [self._commands[self._command.draw()] for _ in range(1 + int(uniform() ** 2 * 8))]
        script.commands = [(text, None) for text in texts]
        if uniform() < 0.35:
            url, shasum = self._downloads[self._url.draw()]
            tool = "wget -q" if uniform() < 0.6 else "curl -O"
            script.commands.append((f"cd /tmp && {tool} {url}", (url, shasum)))
        if uniform() < shapes.UPLOADING:
            number = int(uniform() ** 2 * 60)
            name = vocabulary.PAYLOAD_NAMES[number % len(vocabulary.PAYLOAD_NAMES)]
            script.uploads = [(f"/root/{name}", digest_text(self._seed, "upload", number))]
        if uniform() < shapes.STAYING:
            script.idles = 3_600 + uniform() * 14_400
        return script

    def _proxying(self, hello: tuple[str, ...]) -> Script:
        script = Script(hello=hello, attempts=[self.successes[self._pair.draw()]], admitted=True)
        targets = [(address(self._seed, "target", int(self._uniform() * 40)), 443 if self._uniform() < 0.7 else 80)]
        script.tunnels = targets * (1 + int(self._uniform() * 5))
        return script

    def _telnet(self) -> Script:
        uniform = self._uniform
        script = Script(protocol="telnet", attempts=self._guesses(int(uniform() * 4)), idles=self._pause())
        if uniform() < 0.5:
            script.admitted = True
            script.attempts.append(self.successes[self._pair.draw()])
            script.commands = [(text, None) for text in vocabulary.MIRAI_OPENING[: 4 + int(uniform() * 7)]]
        return script

    def _download(self, rank: int) -> Fetched:
        host = address(self._seed, "payload", rank // 2)
        name = vocabulary.PAYLOAD_NAMES[rank % len(vocabulary.PAYLOAD_NAMES)]
        return f"http://{host}/{name}", digest_text(self._seed, "payload", rank)

    def perform(self, session: Session, script: Script) -> None:
        """Write all lines of a session that follows the script."""
        uniform = self._uniform
        session.connect(1024 + int(uniform() * 64_000))
        for head in script.hello:
            session.wait(int(uniform() * 300_000))
            session.write(head)
        for head in script.attempts:
            session.wait(400_000 + int(uniform() * 1_600_000))
            session.write(head)
        if script.tunnels:
            self._ask_for_tunnels(session, script)
        elif script.admitted:
            self._use_shell(session, script)
        session.wait(int(script.idles * SECOND) + int(uniform() * 900_000))
        session.close()

    def _ask_for_tunnels(self, session: Session, script: Script) -> None:
        for host, port in script.tunnels:
            session.wait(int(self._uniform() * 2_000_000))
            data = r"b'GET / HTTP/1.1\r\nHost: check.example\r\n\r\n'" if port == 80 else r"b'\x16\x03\x01\x02\x00'"
            session.tunnel(host, port, 30_000 + int(self._uniform() * 30_000), data)

    def _use_shell(self, session: Session, script: Script) -> None:
        uniform = self._uniform
        session.wait(int(uniform() * 400_000))
        opened = session.moment
        if script.interactive:
            session.write(TERMINAL_SIZE)
            session.wait(2_000)
            session.write(LANGUAGE)
            session.wait(2_000)
        session.write(PARAMETERS)
        for filename, shasum in script.uploads:
            session.wait(int(uniform() * 3_000_000))
            session.upload(filename, shasum)
        pause = 6_000_000 if script.interactive else 500_000
        for text, fetched in script.commands:
            session.wait(int(uniform() * pause))
            session.write(self._heads.get(text) or command(text))
            if text in vocabulary.UNKNOWN_TO_COWRIE:
                session.wait(900)
                session.write(command(text, known=False))
            if fetched is not None:
                session.wait(100_000 + int(uniform() * 2_000_000))
                session.download(*fetched)
        self._leave(session, script, opened)

    def _leave(self, session: Session, script: Script, opened: int) -> None:
        typed = digest_text("typed", *(text for text, _ in script.commands))
        repeated = typed in self._recordings
        self._recordings.add(typed)
        session.wait(300_000)
        if script.leaves_key:
            shasum = digest_text(self._seed, "key", int(self._uniform() * 5))
            session.redirected("/root/.ssh/authorized_keys", shasum, duplicate=True)
            session.wait(1_000)
        seconds = (session.moment - opened) / SECOND
        session.recording(typed, 60 + 40 * len(script.commands), seconds, duplicate=repeated)
