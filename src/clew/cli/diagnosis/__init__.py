"""What `clew doctor` looks at: this machine, the settings, the database, the record."""
