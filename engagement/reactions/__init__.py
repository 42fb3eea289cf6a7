"""How a story makes readers feel: one mood per reader and article."""
