"""Parts of thinking beside its flow: the day's budget."""
