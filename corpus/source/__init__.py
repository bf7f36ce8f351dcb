"""Sources of the embedded data: hand-written files, templates, word lists and their readers."""
