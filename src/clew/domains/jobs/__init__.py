"""Jobs: work that is done beside requests and commands."""
