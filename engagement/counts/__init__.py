"""Comment and reaction counts of many articles in one call."""
