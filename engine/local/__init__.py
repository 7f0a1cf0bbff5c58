"""The local store: SQLite decides, tantivy and FAISS are derived from it (LEAF).

store.py      opening and making an index folder
catalog.py    catalog.sqlite: documents, passages, vectors; the single source of truth
text.py       tantivy: BM25 and the constraints of a query
dense.py      FAISS: cosine over static embeddings
writer.py     the one writer and the order of a commit
snapshot.py   an immutable view of one commit
verify.py     proving an index whole, rebuilding what is derived
files.py      lock, checksums, hard links, fsync
"""
