"""A cell: one isolated stack of the product, one folder a noun. It imports `contracts` and `kit` only."""
