"""The audit trail: what was done to the record and read from it, by whom, sealed so that it can be proved whole."""
