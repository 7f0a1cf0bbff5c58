"""The tables of catalog.sqlite, and the numbers by which it is known."""

from __future__ import annotations

from typing import Final

APPLICATION: Final = 0x53484C54  # "SHLT"
FORMAT: Final = 1

SCHEMA: Final = """
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE root (id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT UNIQUE NOT NULL,
    name TEXT NOT NULL, options TEXT NOT NULL);
CREATE TABLE file (id INTEGER PRIMARY KEY AUTOINCREMENT,
    root INTEGER NOT NULL REFERENCES root ON DELETE CASCADE, path TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, hash BLOB NOT NULL, UNIQUE (root, path));
CREATE TABLE document (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL,
    file INTEGER REFERENCES file ON DELETE SET NULL, hash BLOB,
    path TEXT NOT NULL, type TEXT NOT NULL, title TEXT NOT NULL, date REAL, metadata TEXT NOT NULL);
CREATE INDEX document_file ON document (file);
CREATE TABLE field (document INTEGER NOT NULL REFERENCES document ON DELETE CASCADE,
    name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, value, document)) WITHOUT ROWID;
CREATE INDEX field_document ON field (document);
CREATE TABLE passage (id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES document ON DELETE CASCADE, number INTEGER NOT NULL,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER, heading TEXT NOT NULL,
    text TEXT NOT NULL, UNIQUE (document, number));
CREATE TABLE vector (passage INTEGER PRIMARY KEY REFERENCES passage ON DELETE CASCADE,
    value BLOB NOT NULL);
CREATE TABLE gone (passage INTEGER PRIMARY KEY);
CREATE TABLE part (name TEXT PRIMARY KEY, size INTEGER NOT NULL, checksum TEXT NOT NULL)
    WITHOUT ROWID;
"""
