"""Evaluate honestly: what stage one finds, what both stages reach, and where the rest is lost.

    collection     queries and judgements, checked; the corpus that they are about
    beir, trec     what they are read from (judgements)
    known_items    queries made from the index itself, where nobody has judged anything: of what
                   its documents are called (known_names) and say they do (comments)
    plan           what is asked for
    candidates     what stage one finds for a query, and the positives that it missed
    columns        the rankings that are compared: base, realistic, always, ceiling; rows, by system
    scored         LEAF (sqlite3): a reranker whose scores are remembered between runs
    measures       LEAF (ir_measures): the truth about a ranking
    significance   intervals and tests over queries
    journal        files of a run that grow query by query and survive a kill
    held           LEAF (fcntl): one process writes to a report at a time
    latency        how long a query takes as it is served
    evaluate       all of it, one collection from query to report; batch, some of its queries
    report         report.json is made; losses, its worst queries
    reports        a report's folder is read
    table, page    it is shown: on a terminal (layout), in a browser
    compare        two of them are held together (sides)

**The truth is ir-measures with the full judgements on the exported runs.** What else computes the
same measures, and where it differs, is explained in docs/evaluation.md.
"""
