DROP TABLE attack_techniques;
DROP TABLE exchange_shares;
DROP TABLE exchange_collections;
DROP TABLE exchange_conflicts;
DROP TABLE exchange_states;
DROP TABLE exchange_objects;
DROP TABLE exchange_contents;
DROP TABLE exchange_peers;
