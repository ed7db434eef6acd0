DROP TABLE graph_measures, graph_measurements;
DROP TRIGGER sources_insert_recorded ON sources;
DROP TRIGGER sources_update_recorded ON sources;
DROP TRIGGER sources_delete_recorded ON sources;
