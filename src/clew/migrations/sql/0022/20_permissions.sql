-- The same as clew/domains/identity/permissions.py says; a test holds the two together.
INSERT INTO permissions (code, description) VALUES
    ('exchange:read', 'See peers, what is exchanged with them, and conflicts'),
    ('exchange:write', 'Exchange with peers, settle conflicts, share'),
    ('exchange:admin', 'Add, change and remove peers and shared collections'),
    ('share:read', 'Read what the organization shares, by TAXII');
ALTER TABLE roles NO FORCE ROW LEVEL SECURITY;
ALTER TABLE role_permissions NO FORCE ROW LEVEL SECURITY;
INSERT INTO role_permissions (role_id, permission)
SELECT roles.id, allowed.permission FROM (VALUES
    ('exchange:read', ARRAY['admin', 'analyst']),
    ('exchange:write', ARRAY['admin', 'analyst']),
    ('exchange:admin', ARRAY['admin']),
    ('share:read', ARRAY['admin', 'analyst', 'user', 'readonly'])
) AS allowed (permission, names) JOIN roles ON is_builtin AND roles.name = ANY (allowed.names);
ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY;
ALTER TABLE roles FORCE ROW LEVEL SECURITY;
