DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT DISTINCT tablename FROM pg_policies
                WHERE schemaname = 'public' AND policyname = 'projector_reads' LOOP
        EXECUTE format('DROP POLICY projector_reads ON %I', name);
        EXECUTE format('REVOKE ALL ON %I FROM clew_projector', name);
    END LOOP;
END $$;
DROP POLICY projector_trims ON changes;
REVOKE ALL ON schema_version FROM clew_projector;
DROP TABLE projection_failures, projections, feed_epochs;
DROP FUNCTION drop_month_partition(text, date);
DROP FUNCTION record_changes_of() CASCADE;
DO $$
DECLARE
    name text;
    operation text;
BEGIN
    FOREACH name IN ARRAY ARRAY['attack_sessions', 'collection_items', 'social_posts'] LOOP
        FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
            EXECUTE format('DROP TRIGGER %I ON %I', format('%s_%s_recorded', name, operation), name);
        END LOOP;
    END LOOP;
END $$;
DROP INDEX changes_xid_sequence_idx;
CREATE INDEX changes_xid_idx ON changes (xid);
