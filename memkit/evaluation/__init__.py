"""The judge-free harness behind `memkit evaluate`: gold evidence in, recall figures out, no model asked."""
