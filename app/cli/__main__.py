"""`python -m app.cli` is `transcode-inbox`."""

from app.cli import main

main()
