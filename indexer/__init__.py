"""Making an index: walk, extract, cut, encode, commit."""
