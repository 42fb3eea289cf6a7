"""An article's discussion as pages of ours, to be read and joined without scripts."""
