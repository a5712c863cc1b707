"""`python -m interpose`: the same as the `interpose` command."""

from interpose.app.cli.main import main

main()
