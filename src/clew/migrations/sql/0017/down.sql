DROP TABLE embedding_costs, embedding_cache;
