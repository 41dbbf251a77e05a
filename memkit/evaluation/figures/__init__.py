"""Figures in READMEs: results of measuring commands in files, and the tables that are rendered from them."""
