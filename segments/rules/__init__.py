"""Rules of segments: the tree, its operators, its words, and its editor."""
