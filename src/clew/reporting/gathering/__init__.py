"""What a report needs from the record, read within one transaction from the scope that was opened in it."""
