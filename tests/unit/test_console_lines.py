from __future__ import annotations

from eclip.console import print_facts, print_line, print_table, say

COMMANDS = "\x1b]52;c;ZXZpbA==\x07 \x1b[2J \x9b31m \r \x08 \x00 [bold]red[/bold]"  # clipboard, screen, colour, line


def test_what_stands_in_a_feed_commands_no_terminal(capsys):
    say(f"kept {COMMANDS}")
    print_line(f"title {COMMANDS}")
    print_table(f"Hits {COMMANDS}", ["title"], [[f"shirt {COMMANDS}"]])
    print_facts("Facts", [("seller", COMMANDS)])
    said = "".join(capsys.readouterr())
    assert not {letter for letter in said if letter < " " or "\x7f" <= letter < "\xa0"} - {"\n"}
    assert said.count("[bold]red[/bold]") == 5


def test_other_letters_stay(capsys):
    print_line("한국어 éß 👕\ttab")
    assert capsys.readouterr().out == "한국어 éß 👕\ttab\n"
