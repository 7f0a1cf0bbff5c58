"""Answering: everything between a query and its ranked passages."""
