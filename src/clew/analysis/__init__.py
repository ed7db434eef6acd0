"""What is found in the record: pure functions from columns to findings, without input, output or clock."""
