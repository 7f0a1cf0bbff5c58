"""Proving it: quality and speed on judged collections. Runs from a checkout, is not shipped."""
