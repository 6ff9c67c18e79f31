"""What is typed in the export pane: fields, validation, and suggestions."""
