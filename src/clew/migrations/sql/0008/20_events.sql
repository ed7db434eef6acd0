-- Tells whoever listens that a row changed: of which organization, of what kind, which one, and how. Nothing else: the
-- listener looks itself, with the rights of whoever asked it to. The arguments are the topic and the id's column.
CREATE FUNCTION announce_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    IF changed ->> 'organization_id' IS NOT NULL THEN
        PERFORM pg_notify('clew_events', json_build_object(
            'organization', changed ->> 'organization_id', 'topic', TG_ARGV[0], 'id', changed ->> TG_ARGV[1],
            'change', CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END)::text);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION wake_runners() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_notify('clew_jobs', NEW.queue);
    RETURN NULL;
END $$;

CREATE TRIGGER wakes_runners AFTER INSERT OR UPDATE OF status ON jobs
    FOR EACH ROW WHEN (NEW.status = 'pending') EXECUTE FUNCTION wake_runners();
-- Not with every heartbeat.
CREATE TRIGGER announces AFTER INSERT OR DELETE OR UPDATE OF status, step, bytes_done, records_done, cancel_requested_at
    ON jobs FOR EACH ROW EXECUTE FUNCTION announce_change('jobs', 'id');
CREATE TRIGGER announces AFTER INSERT OR UPDATE OR DELETE ON investigations
    FOR EACH ROW EXECUTE FUNCTION announce_change('investigations', 'id');
CREATE TRIGGER announces AFTER INSERT OR UPDATE OR DELETE ON targets
    FOR EACH ROW EXECUTE FUNCTION announce_change('investigations', 'investigation_id');

-- Whoever follows events may not be allowed to any more. Of a custom role the id is that of the role, else of the user.
CREATE TRIGGER announces_access AFTER DELETE OR UPDATE OF revoked_at ON sessions
    FOR EACH ROW EXECUTE FUNCTION announce_change('access', 'user_id');
CREATE TRIGGER announces_access AFTER DELETE OR UPDATE OF role, is_active ON users
    FOR EACH ROW EXECUTE FUNCTION announce_change('access', 'id');
CREATE TRIGGER announces_access AFTER DELETE OR UPDATE OF is_active, revoked_at, scopes ON api_keys
    FOR EACH ROW EXECUTE FUNCTION announce_change('access', 'user_id');
CREATE TRIGGER announces_access AFTER INSERT OR DELETE ON user_roles
    FOR EACH ROW EXECUTE FUNCTION announce_change('access', 'user_id');
CREATE TRIGGER announces_access AFTER INSERT OR DELETE ON role_permissions
    FOR EACH ROW EXECUTE FUNCTION announce_change('access', 'role_id');
