"""All that a page load needs, in one call."""
