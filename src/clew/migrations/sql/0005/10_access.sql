ALTER TABLE users ADD COLUMN mfa_last_step BIGINT, ADD COLUMN password_changed_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE permissions (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    code TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT permissions_pkey PRIMARY KEY (id),
    CONSTRAINT permissions_code_key UNIQUE (code)
);

CREATE TABLE roles (
    organization_id UUID,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    is_builtin BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT roles_organization_id_id_key UNIQUE NULLS NOT DISTINCT (organization_id, id),
    CONSTRAINT roles_organization_id_name_key UNIQUE NULLS NOT DISTINCT (organization_id, name),
    CONSTRAINT roles_is_builtin_check CHECK (is_builtin = (organization_id IS NULL)),
    CONSTRAINT roles_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

CREATE TABLE role_permissions (
    organization_id UUID,
    role_id UUID NOT NULL,
    permission TEXT NOT NULL,
    CONSTRAINT role_permissions_organization_id_role_id_permission_key UNIQUE NULLS NOT DISTINCT (organization_id, role_id, permission),
    CONSTRAINT role_permissions_organization_id_role_id_fkey FOREIGN KEY(organization_id, role_id) REFERENCES roles (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT role_permissions_permission_fkey FOREIGN KEY(permission) REFERENCES permissions (code) ON DELETE CASCADE
);

CREATE TABLE user_roles (
    organization_id UUID NOT NULL,
    user_id UUID NOT NULL,
    role_id UUID NOT NULL,
    granted_by UUID,
    granted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT user_roles_pkey PRIMARY KEY (organization_id, user_id, role_id),
    CONSTRAINT user_roles_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT user_roles_organization_id_role_id_fkey FOREIGN KEY(organization_id, role_id) REFERENCES roles (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT user_roles_organization_id_granted_by_fkey FOREIGN KEY(organization_id, granted_by) REFERENCES users (organization_id, id) ON DELETE SET NULL (granted_by)
);
CREATE INDEX user_roles_organization_id_role_id_idx ON user_roles (organization_id, role_id);

CREATE TABLE user_settings (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    key TEXT NOT NULL,
    value JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT user_settings_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT user_settings_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT user_settings_organization_id_user_id_key_key UNIQUE (organization_id, user_id, key),
    CONSTRAINT user_settings_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

CREATE TABLE system_configuration (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    key TEXT NOT NULL,
    value JSONB DEFAULT '{}'::jsonb NOT NULL,
    updated_by UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT system_configuration_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT system_configuration_organization_id_updated_by_fkey FOREIGN KEY(organization_id, updated_by) REFERENCES users (organization_id, id) ON DELETE SET NULL (updated_by),
    CONSTRAINT system_configuration_organization_id_key_key UNIQUE (organization_id, key),
    CONSTRAINT system_configuration_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

CREATE TABLE invitations (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    email TEXT NOT NULL,
    role TEXT DEFAULT 'user' NOT NULL,
    invited_by UUID,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE,
    accepted_by UUID,
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT invitations_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT invitations_role_check CHECK (role = ANY (ARRAY['admin'::text, 'analyst'::text, 'user'::text, 'readonly'::text])),
    CONSTRAINT invitations_organization_id_invited_by_fkey FOREIGN KEY(organization_id, invited_by) REFERENCES users (organization_id, id) ON DELETE SET NULL (invited_by),
    CONSTRAINT invitations_organization_id_accepted_by_fkey FOREIGN KEY(organization_id, accepted_by) REFERENCES users (organization_id, id) ON DELETE SET NULL (accepted_by),
    CONSTRAINT invitations_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX invitations_organization_id_email_idx ON invitations (organization_id, email);
-- The same as clew/domains/identity/permissions.py says; a test holds the two together.
INSERT INTO permissions (code, description) VALUES
    ('entity:read', 'See entities and where each fact comes from'),
    ('entity:write', 'Correct, tag and verify entities'),
    ('entity:delete', 'Delete entities'),
    ('relationship:read', 'See relationships and paths'),
    ('relationship:write', 'Make and correct relationships'),
    ('search:read', 'Search the record'),
    ('ingest:write', 'Load files into the record'),
    ('quarantine:read', 'See rejected records with their bytes'),
    ('quarantine:write', 'Retry and drop rejected records'),
    ('source:read', 'See sources'),
    ('source:write', 'Add and change sources and their credentials'),
    ('investigation:read', 'See cases and their targets'),
    ('investigation:write', 'Open and change cases and their targets'),
    ('investigation:delete', 'Delete cases'),
    ('collection:read', 'See collections and scans'),
    ('collection:write', 'Define, run and cancel collections and scans'),
    ('analysis:read', 'See analyses and their results'),
    ('analysis:write', 'Start and cancel analyses'),
    ('report:read', 'See reports'),
    ('report:write', 'Write and delete reports'),
    ('projection:read', 'See how the views fare'),
    ('projection:write', 'Verify and rebuild views'),
    ('user:read', 'See the organization''s users'),
    ('user:write', 'Add, invite, change and deactivate users'),
    ('role:read', 'See roles and what they allow'),
    ('role:write', 'Make custom roles and give roles to users'),
    ('key:write', 'Make, list and revoke API keys of one''s own'),
    ('key:admin', 'List and revoke everybody''s API keys, set their limits'),
    ('session:admin', 'List and revoke everybody''s sessions'),
    ('organization:read', 'See the organization'),
    ('organization:write', 'Change the organization'),
    ('configuration:read', 'See the organization''s configuration'),
    ('configuration:write', 'Change the organization''s configuration'),
    ('audit:read', 'See and search the audit trail'),
    ('audit:export', 'Export the audit trail'),
    ('usage:read', 'See how API keys were used');

INSERT INTO roles (name, description, is_builtin) VALUES
    ('admin', 'Everything, people and settings included', true),
    ('analyst', 'Loads, corrects and analyses; manages cases and collections', true),
    ('user', 'Works on cases with what is there', true),
    ('readonly', 'Looks, and changes nothing', true);

INSERT INTO role_permissions (role_id, permission)
SELECT roles.id, allowed.permission FROM (VALUES
    ('entity:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('entity:write', ARRAY['admin', 'analyst']),
    ('entity:delete', ARRAY['admin']),
    ('relationship:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('relationship:write', ARRAY['admin', 'analyst']),
    ('search:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('ingest:write', ARRAY['admin', 'analyst']),
    ('quarantine:read', ARRAY['admin', 'analyst']),
    ('quarantine:write', ARRAY['admin', 'analyst']),
    ('source:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('source:write', ARRAY['admin']),
    ('investigation:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('investigation:write', ARRAY['admin', 'analyst', 'user']),
    ('investigation:delete', ARRAY['admin']),
    ('collection:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('collection:write', ARRAY['admin', 'analyst']),
    ('analysis:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('analysis:write', ARRAY['admin', 'analyst', 'user']),
    ('report:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('report:write', ARRAY['admin', 'analyst', 'user']),
    ('projection:read', ARRAY['admin', 'analyst']),
    ('projection:write', ARRAY['admin']),
    ('user:read', ARRAY['admin', 'analyst']),
    ('user:write', ARRAY['admin']),
    ('role:read', ARRAY['admin', 'analyst']),
    ('role:write', ARRAY['admin']),
    ('key:write', ARRAY['admin', 'analyst', 'user']),
    ('key:admin', ARRAY['admin']),
    ('session:admin', ARRAY['admin']),
    ('organization:read', ARRAY['admin', 'analyst', 'user', 'readonly']),
    ('organization:write', ARRAY['admin']),
    ('configuration:read', ARRAY['admin']),
    ('configuration:write', ARRAY['admin']),
    ('audit:read', ARRAY['admin']),
    ('audit:export', ARRAY['admin']),
    ('usage:read', ARRAY['admin'])
) AS allowed (permission, names) JOIN roles ON is_builtin AND roles.name = ANY (allowed.names);
