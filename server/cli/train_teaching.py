"""`shortlist train --teacher`: a student learns the scores of other rerankers."""

from __future__ import annotations

import click

from server.cli.sections import section

teaching_options = section(
    "Teaching",
    click.option("--teacher", "teachers", multiple=True, metavar="NAME|FOLDER|default",
                 help="A reranker whose scores are learned in place of labels (repeatable: the mean"
                 " of several); PAIRS may then be questions alone."),
    click.option("--teaching", type=click.Choice(["margin", "soft"]), default="margin",
                 show_default=True,
                 help="What is learned: differences of scores, or probabilities."),
)  # fmt: skip
