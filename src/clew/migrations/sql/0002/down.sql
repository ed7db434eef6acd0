DROP TRIGGER social_posts_take_dependents ON social_posts;
DROP FUNCTION delete_post_dependents();
DROP TABLE social_post_sources, social_post_keys, collection_item_places;
ALTER TABLE ingest_files DROP COLUMN posts_new;
ALTER TABLE social_posts DROP COLUMN external_id, DROP COLUMN document_id, DROP COLUMN url, DROP COLUMN metadata, DROP COLUMN impossible_time;
