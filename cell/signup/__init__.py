"""How a workspace begins in this cell: made whole by a signed call, its founder's address confirmed by a mail."""
