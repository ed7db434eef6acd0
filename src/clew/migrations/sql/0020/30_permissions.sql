-- The same as clew/domains/identity/permissions.py says; a test holds the two together. Rows of nobody's organization
-- are closed to the tables' owner as well, but for this moment.
INSERT INTO permissions (code, description) VALUES
    ('document:read', 'See documents as they were collected, and the content of files');
ALTER TABLE roles NO FORCE ROW LEVEL SECURITY;
ALTER TABLE role_permissions NO FORCE ROW LEVEL SECURITY;
INSERT INTO role_permissions (role_id, permission)
SELECT roles.id, allowed.permission FROM (VALUES
    ('document:read', ARRAY['admin', 'analyst', 'user'])
) AS allowed (permission, names) JOIN roles ON is_builtin AND roles.name = ANY (allowed.names);
ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY;
ALTER TABLE roles FORCE ROW LEVEL SECURITY;
