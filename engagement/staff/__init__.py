"""Those who moderate: roles, API tokens, who is calling."""
