"""The floor everything stands on: settings, the database and its embedded server, errors, ids, clock, logs."""
