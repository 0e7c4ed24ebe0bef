"""What the end-to-end scenarios share: real Git servers with switchable faults, and the real program."""
