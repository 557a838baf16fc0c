"""What characters may do on GitHub, for those who set a token."""
