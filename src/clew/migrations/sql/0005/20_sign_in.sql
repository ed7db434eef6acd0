CREATE TABLE sessions (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    token_hash TEXT NOT NULL,
    username TEXT NOT NULL,
    role TEXT NOT NULL,
    last_activity TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_reason TEXT,
    second_factor BOOLEAN DEFAULT false NOT NULL,
    client_ip INET,
    user_agent TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT sessions_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash),
    CONSTRAINT sessions_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX sessions_organization_id_user_id_created_at_idx ON sessions (organization_id, user_id, created_at);

CREATE TABLE refresh_tokens (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    session_id UUID NOT NULL,
    token_hash TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    replaced_by UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT refresh_tokens_organization_id_session_id_fkey FOREIGN KEY(organization_id, session_id) REFERENCES sessions (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT refresh_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT refresh_tokens_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_organization_id_session_id_idx ON refresh_tokens (organization_id, session_id);

CREATE TABLE one_time_tokens (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    purpose TEXT NOT NULL,
    user_id UUID,
    invitation_id UUID,
    token_hash TEXT NOT NULL,
    email TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT one_time_tokens_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT one_time_tokens_purpose_check CHECK (purpose = ANY (ARRAY['email_verification'::text, 'password_reset'::text, 'invitation'::text])),
    CONSTRAINT one_time_tokens_subject_check CHECK (num_nonnulls(user_id, invitation_id) = 1),
    CONSTRAINT one_time_tokens_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT one_time_tokens_organization_id_invitation_id_fkey FOREIGN KEY(organization_id, invitation_id) REFERENCES invitations (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT one_time_tokens_token_hash_key UNIQUE (token_hash),
    CONSTRAINT one_time_tokens_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX one_time_tokens_organization_id_invitation_id_idx ON one_time_tokens (organization_id, invitation_id);
CREATE INDEX one_time_tokens_organization_id_user_id_idx ON one_time_tokens (organization_id, user_id);

CREATE TABLE mfa_recovery_codes (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    code_hash TEXT NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT mfa_recovery_codes_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT mfa_recovery_codes_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT mfa_recovery_codes_organization_id_user_id_code_hash_key UNIQUE (organization_id, user_id, code_hash),
    CONSTRAINT mfa_recovery_codes_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    private_key BYTEA NOT NULL,
    state TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    activated_at TIMESTAMP WITH TIME ZONE,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT signing_keys_pkey PRIMARY KEY (kid),
    CONSTRAINT signing_keys_state_check CHECK (state = ANY (ARRAY['next'::text, 'current'::text, 'retired'::text]))
);
CREATE UNIQUE INDEX signing_keys_state_idx ON signing_keys (state) WHERE state <> 'retired'::text;

CREATE TABLE sign_in_failures (
    kind TEXT NOT NULL,
    subject BYTEA NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    last_failed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT sign_in_failures_pkey PRIMARY KEY (kind, subject),
    CONSTRAINT sign_in_failures_kind_check CHECK (kind = ANY (ARRAY['account'::text, 'address'::text]))
);
CREATE INDEX sign_in_failures_last_failed_at_idx ON sign_in_failures (last_failed_at);
