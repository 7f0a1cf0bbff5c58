"""`shortlist mcp`: the index as tools of an assistant (Model Context Protocol).

    words    what the tools take and answer
    tools    what they do, and what an assistant is told about them
    stdio    LEAF (mcp): the tools behind the protocol, on standard input and output

Everything here reads: no tool can change the index, and nothing but its documents can be read.
"""
