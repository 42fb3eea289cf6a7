"""Comments and moods for who reads without scripts: HTML to put into a page, linked data, feeds."""
