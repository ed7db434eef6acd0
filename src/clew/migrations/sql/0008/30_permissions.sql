-- The same as clew/domains/identity/permissions.py says; a test holds the two together. Rows of nobody's organization
-- are closed to the tables' owner as well, but for this moment.
INSERT INTO permissions (code, description) VALUES
    ('job:read', 'See jobs and how far they are'),
    ('job:write', 'Cancel and retry jobs');
ALTER TABLE roles NO FORCE ROW LEVEL SECURITY;
ALTER TABLE role_permissions NO FORCE ROW LEVEL SECURITY;
INSERT INTO role_permissions (role_id, permission)
SELECT roles.id, allowed.permission FROM (VALUES
    ('job:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('job:write', ARRAY['admin', 'analyst'])
) AS allowed (permission, names) JOIN roles ON is_builtin AND roles.name = ANY (allowed.names);
ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY;
ALTER TABLE roles FORCE ROW LEVEL SECURITY;
