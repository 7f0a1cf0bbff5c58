"""Make a reranker from a person's own labels: read, mine, train, and let it pass only if it helps.

    examples    the nouns: a query with candidates and labels; which loss can learn from what
    reading     examples from files: pairs, labelled pairs, tuples, a BEIR folder
    resolved    answers that are ids of indexed documents, as the passages that stage two will read
    mining      negatives from our own stage one, and random ones; guards against false negatives
    mined       the mined set as a file, with its statistics
    finetune    LEAF (sentence-transformers): the trainer
    gate        before and after on held-out queries
    card        what stands beside the weights

What comes out is a plain sentence-transformers CrossEncoder; nothing here is loaded to serve it.
"""
