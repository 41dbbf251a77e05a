"""Looking, beside recall's flow: the question as it is asked, reranking, standing instructions, what is coming up."""
