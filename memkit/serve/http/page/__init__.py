"""The page: what is remembered, why it was recalled, and how it is corrected, forgotten and erased."""
