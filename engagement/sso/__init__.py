"""Single sign-on: the publisher's own JWTs, for readers and staff."""
