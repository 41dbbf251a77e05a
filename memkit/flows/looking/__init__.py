"""Looking, beside recall's flow: reranking, standing instructions, what is coming up."""
