"""Parts of thinking beside its flow: the task, the order of states in time, requests to forget, the day's budget."""
