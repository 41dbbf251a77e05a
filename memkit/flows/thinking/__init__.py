"""Parts of thinking beside its flow: the task, the order of states in time, the day's budget."""
