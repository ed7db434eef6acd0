-- The operator of an organization, and the act that tells of its beginning, in the transaction that makes it: the
-- directory sees neither users nor the trail. Gives whether the operator was missing.
CREATE FUNCTION install_operator(organization uuid, operator uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    before text := coalesce(current_setting('app.current_organization_id', true), '');
    own organizations;
    installed boolean;
BEGIN
    PERFORM set_config('app.current_organization_id', organization::text, true);
    SELECT * INTO STRICT own FROM organizations WHERE id = organization;
    INSERT INTO users (organization_id, id, email, username, password_hash, full_name, role)
    VALUES (own.id, operator, 'operator@' || own.slug, 'operator@' || own.slug, '!',
            'Operator of ' || own.name, 'admin')
    ON CONFLICT (organization_id, id) DO NOTHING;
    installed := FOUND;
    IF installed THEN
        INSERT INTO audit.events (organization_id, event_type, action, resource_type, resource_id, resource_name)
        VALUES (own.id, 'organization_created', 'CREATE', 'organization', own.id::text, own.name);
    END IF;
    PERFORM set_config('app.current_organization_id', before, true);
    RETURN installed;
END $$;
REVOKE ALL ON FUNCTION install_operator(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION install_operator(uuid, uuid) TO clew_directory;
