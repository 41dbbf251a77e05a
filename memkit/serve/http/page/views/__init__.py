"""Views of the page, a file each."""
