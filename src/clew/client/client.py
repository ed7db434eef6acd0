"""The client: every operation of the API as a method."""

from types import TracebackType
from typing import Self

from clew.client.generated.all_operations import Operations


class Client(Operations):
    """A client of one server for one caller; threads may share it. Close it, or use it in a `with`.

        with Client(Transport("https://clew.example.org", key)) as client:
            print(client.get_organization().name)

    Methods raise ClewError: by the code of the problem that the server answers with (`problem_of(error)` has all of
    it), ServerUnreachableError, or UnknownAnswerError. A method that changes a thing takes the `etag` of the thing as
    `if_match`, and then raises ConflictError (code "precondition") if somebody else has changed it since.
    """

    @property
    def server(self) -> str:
        """The server's address."""
        return self._transport.server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()
