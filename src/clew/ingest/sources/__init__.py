"""One module per tool. A source does no I/O, knows no table, and is listed in `registry`."""
