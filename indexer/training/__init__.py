"""Make a reranker from a person's own labels: read, mine, train, and let it pass only if it helps.

    examples    the nouns: a query with candidates and labels; which loss can learn from what
    reading     examples from files: pairs, labelled pairs, tuples, a BEIR folder (columns,
                judged_rows, gathered, folder), and a dev set of their own (groups)
    sources     sets of whatever `train` is given: files, folders, datasets of the hub
    resolved    answers as the passages that stage two will read (located: texts that are indexed)
    from_index, from_feedback    examples where nobody wrote any (masking)
    mining      negatives from our own stage one (places), and random ones (drawn); guards against
                false negatives; dense_miner is the published recipe's
    mined       the mined set as a file, with its statistics
    finetune    LEAF (sentence-transformers): the trainer (base, datasets, buckets, losses,
                trainer, checkpoints)
    heldout     questions that are kept out of it; watching asks them while it learns, fitting
                chooses the weight between the stages and the calibration
    evaluators  LEAF (sentence-transformers): its evaluators on held-out rows
    asking      all that a model is asked
    gate        before and after
    card        what stands beside the weights
    publishing  LEAF (huggingface_hub): a model that passed as a repository of the hub
    train       all of it, in a working folder (work)
    stage_one   the same for the static encoder of stage one: encoder (LEAF: sentence-transformers),
                encoder_gate, encoder_card

What comes out are plain sentence-transformers models; nothing here is loaded to serve it.
"""
