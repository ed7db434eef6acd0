-- Further tables whose rows are followed one by one.
DO $$
DECLARE
    name text;
    operation text;
BEGIN
    FOREACH name IN ARRAY ARRAY['attack_sessions', 'collection_items', 'social_posts'] LOOP
        FOREACH operation IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed_rows '
                'FOR EACH STATEMENT EXECUTE FUNCTION record_changes()',
                format('%s_%s_recorded', name, lower(operation)), operation, name,
                CASE operation WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END);
        END LOOP;
    END LOOP;
END $$;

-- What hangs on a row changes what a view shows of that row: a new sighting names another tool, a target another name.
-- The first argument names the table that is said to change, the second the column with its row's id.
CREATE FUNCTION record_changes_of() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO changes (organization_id, table_name, operation, row_id) '
        'SELECT DISTINCT organization_id, %L, ''update'', %I FROM changed_rows', TG_ARGV[0], TG_ARGV[1]);
    RETURN NULL;
END $$;

DO $$
DECLARE
    hung record;
    operation text;
BEGIN
    FOR hung IN SELECT * FROM (VALUES ('entity_sources', 'entities', 'entity_id'),
                                      ('targets', 'investigations', 'investigation_id')) AS t (name, parent, key)
    LOOP
        FOREACH operation IN ARRAY ARRAY['INSERT', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed_rows '
                'FOR EACH STATEMENT EXECUTE FUNCTION record_changes_of(%L, %L)',
                format('%s_%s_recorded_of', hung.name, lower(operation)), operation, hung.name,
                CASE operation WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END, hung.parent, hung.key);
        END LOOP;
    END LOOP;
END $$;
CREATE TRIGGER targets_update_recorded_of AFTER UPDATE ON targets REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION record_changes_of('investigations', 'investigation_id');

-- Gives up a month, and says so in the feed: row by row for what is projected row by row, as a span for events.
-- Answers how many rows went.
CREATE FUNCTION drop_month_partition(parent text, month date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, public SET timezone = 'UTC' SET lock_timeout = '10s' AS $$
DECLARE
    partition text := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
    organization uuid;
    here bigint;
    gone bigint := 0;
BEGIN
    IF parent <> ALL (partitioned_tables()) THEN
        RAISE EXCEPTION '% is not partitioned by month', parent USING ERRCODE = '22023';
    END IF;
    IF to_regclass(format('public.%I', partition)) IS NULL THEN
        RETURN 0;
    END IF;
    EXECUTE format('LOCK TABLE public.%I IN ACCESS EXCLUSIVE MODE', parent);
    FOR organization IN EXECUTE format('SELECT DISTINCT organization_id FROM public.%I', partition) LOOP
        PERFORM set_config('app.current_organization_id', organization::text, true);
        IF parent = 'events' THEN
            EXECUTE format('SELECT count(*) FROM public.%I WHERE organization_id = $1', partition)
                INTO here USING organization;
            INSERT INTO changes (organization_id, table_name, operation, batch)
            VALUES (organization, parent, 'drop', jsonb_build_object(
                'from', month, 'to', (month + interval '1 month')::date, 'dropped', here));
        ELSE
            EXECUTE format('INSERT INTO changes (organization_id, table_name, operation, row_id) '
                           'SELECT organization_id, $2, ''delete'', id FROM public.%I WHERE organization_id = $1',
                           partition) USING organization, parent;
            GET DIAGNOSTICS here = ROW_COUNT;
        END IF;
        IF parent = 'attack_sessions' THEN
            EXECUTE format('DELETE FROM attack_session_keys WHERE organization_id = $1 AND id IN '
                           '(SELECT id FROM public.%I WHERE organization_id = $1)', partition) USING organization;
        ELSIF parent = 'social_posts' THEN
            EXECUTE format('DELETE FROM social_post_keys WHERE organization_id = $1 AND id IN '
                           '(SELECT id FROM public.%I WHERE organization_id = $1)', partition) USING organization;
            EXECUTE format('DELETE FROM social_post_sources WHERE organization_id = $1 AND post_id IN '
                           '(SELECT id FROM public.%I WHERE organization_id = $1)', partition) USING organization;
        ELSIF parent = 'collection_items' THEN
            EXECUTE format('DELETE FROM collection_item_hashes WHERE organization_id = $1 AND collection_item_id IN '
                           '(SELECT id FROM public.%I WHERE organization_id = $1)', partition) USING organization;
            EXECUTE format('DELETE FROM collection_item_places WHERE organization_id = $1 AND collection_item_id IN '
                           '(SELECT id FROM public.%I WHERE organization_id = $1)', partition) USING organization;
        END IF;
        gone := gone + here;
    END LOOP;
    PERFORM set_config('app.current_organization_id', '', true);
    EXECUTE format('DROP TABLE public.%I', partition);
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION drop_month_partition(text, date) FROM PUBLIC;
