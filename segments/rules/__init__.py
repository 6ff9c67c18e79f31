"""Rules of segments: their tree and SQL, operators, descriptions, and the editor."""
