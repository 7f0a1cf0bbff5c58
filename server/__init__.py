"""Reaching the engine: the command line and the HTTP service."""
