"""`python -m camvitals` is the command `camvitals`."""

from camvitals.cli import main

main()
