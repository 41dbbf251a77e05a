"""Looking, beside recall's flow: a question as asked, why not, reranking, standing instructions, what is coming up."""
