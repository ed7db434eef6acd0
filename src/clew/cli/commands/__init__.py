"""One module per command or group of commands; `clew.cli.main` lists them."""
