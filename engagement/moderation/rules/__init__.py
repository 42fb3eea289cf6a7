"""Rules: what each kind looks for in a text, and where a site's rules are kept."""
