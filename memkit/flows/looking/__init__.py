"""Parts of recall beside its flow: reranking."""
