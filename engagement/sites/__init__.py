"""Sites and their articles: how an article is named, and what its publisher allows."""
