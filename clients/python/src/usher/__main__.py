"""`python -m usher` is the command `usher`."""

from .cli import main

raise SystemExit(main())
