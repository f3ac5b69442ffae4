"""What the daemon answers over HTTP; it trusts nobody who asks."""
