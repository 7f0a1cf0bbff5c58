"""What foreign clients speak: pure functions between their JSON and our nouns.

    errors       the members that each of them looks for in a problem, and help for wrong paths
    texts        what all of them have in common
    rerank       Cohere v1 and v2, Jina, Voyage, text-embeddings-inference
    embeddings   OpenAI, text-embeddings-inference
    models       which models are here: OpenAI, text-embeddings-inference
    description  the same for GET /openapi.json, with examples

Unknown fields are ignored and null means absent: all of these clients send some of both.
"""
