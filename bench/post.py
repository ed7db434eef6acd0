"""Open cases over the API: `python -m bench.post ADDRESS KEY CONNECTIONS SECONDS` prints how many, as JSON."""

import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4


def main(arguments: list[str]) -> None:
    """Post as fast as so many connections can, one case at a time each."""
    address, key, connections, seconds = urlsplit(arguments[0]), arguments[1], int(arguments[2]), float(arguments[3])
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    until = time.monotonic() + seconds

    def work() -> int:
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        done = 0
        while time.monotonic() < until:
            connection.request("POST", "/api/v1/investigations", json.dumps({"name": uuid4().hex}), headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 201:
                raise RuntimeError(f"a case was not opened: {answer.status}")
            done += 1
        connection.close()
        return done

    with ThreadPoolExecutor(connections) as threads:
        opened = sum(each.result() for each in [threads.submit(work) for _ in range(connections)])
    print(json.dumps({"opened": opened}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
