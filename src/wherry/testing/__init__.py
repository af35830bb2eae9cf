"""Published doubles and probes of the host, for tests of Wherry and of what embeds it."""
