"""Options in named sections, for a command that has more of them than a person reads at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Any], Any]


def section(title: str, *options: Decorator) -> Decorator:
    """Return a decorator that adds options, in this order, and has help show them under a title."""

    def add(function: Any) -> Any:  # noqa: ANN401 - as click has it
        for option in reversed(options):
            function = option(function)
            # Where click keeps the options until the command is made of them.
            function.__click_params__[-1].section = title
        return function

    return add


_REST: Final = "Other"


class SectionedCommand(click.Command):
    """A command whose help shows options by section, in the order of their first options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click.Command."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx) if isinstance(option, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(option, "section", _REST), []).append(record)
        for title in sorted(sections, key=_REST.__eq__):
            with formatter.section(title):
                formatter.write_dl(sections[title])
