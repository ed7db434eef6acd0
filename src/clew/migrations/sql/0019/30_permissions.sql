-- The same as clew/domains/identity/permissions.py says; a test holds the two together. Rows of nobody's organization
-- are closed to the tables' owner as well, but for this moment.
INSERT INTO permissions (code, description) VALUES
    ('series:read', 'See measured values over time'),
    ('series:write', 'Write and delete measured values');
ALTER TABLE roles NO FORCE ROW LEVEL SECURITY;
ALTER TABLE role_permissions NO FORCE ROW LEVEL SECURITY;
INSERT INTO role_permissions (role_id, permission)
SELECT roles.id, allowed.permission FROM (VALUES
    ('series:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('series:write', ARRAY['admin', 'analyst'])
) AS allowed (permission, names) JOIN roles ON is_builtin AND roles.name = ANY (allowed.names);
ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY;
ALTER TABLE roles FORCE ROW LEVEL SECURITY;
