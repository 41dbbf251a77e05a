"""Measures of what an endless stream leaves behind in a window of fixed size, measured without any model as a judge."""
