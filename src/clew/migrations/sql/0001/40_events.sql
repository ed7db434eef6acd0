CREATE TABLE events (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    item_id UUID NOT NULL,
    line BIGINT,
    session_id UUID,
    source_ip INET,
    source_port INTEGER,
    destination_ip INET,
    target_port INTEGER,
    protocol TEXT,
    sensor TEXT,
    payload TEXT,
    properties JSONB,
    impossible_time BOOLEAN DEFAULT false NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (organization_id, occurred_at, id)
) PARTITION BY RANGE (occurred_at);

CREATE TABLE event_repeats (
    organization_id UUID NOT NULL,
    item_id UUID NOT NULL,
    event_id UUID NOT NULL,
    occurrences INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT event_repeats_pkey PRIMARY KEY (organization_id, item_id, event_id)
);

CREATE TABLE attack_sessions (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    analysis_session_id UUID,
    elasticsearch_id TEXT,
    source_ip INET NOT NULL,
    source_port INTEGER,
    destination_ip INET,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    payload TEXT DEFAULT '' NOT NULL,
    payload_hash CHAR(64) NOT NULL,
    target_port INTEGER,
    protocol TEXT,
    attack_type TEXT,
    honeypot_id TEXT,
    source TEXT NOT NULL,
    session_key TEXT NOT NULL,
    client TEXT,
    fingerprint TEXT,
    event_count INTEGER DEFAULT 0 NOT NULL,
    login_failures INTEGER DEFAULT 0 NOT NULL,
    login_successes INTEGER DEFAULT 0 NOT NULL,
    activity JSONB,
    observed JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT attack_sessions_pkey PRIMARY KEY (organization_id, timestamp, id),
    CONSTRAINT attack_sessions_target_port_check CHECK (target_port BETWEEN 1 AND 65535)
) PARTITION BY RANGE (timestamp);
CREATE INDEX attack_sessions_organization_id_analysis_session_id_idx ON attack_sessions (organization_id, analysis_session_id) WHERE analysis_session_id IS NOT NULL;
CREATE INDEX attack_sessions_organization_id_elasticsearch_id_idx ON attack_sessions (organization_id, elasticsearch_id) WHERE elasticsearch_id IS NOT NULL;
CREATE INDEX attack_sessions_organization_id_payload_hash_idx ON attack_sessions (organization_id, payload_hash);
CREATE INDEX attack_sessions_organization_id_source_ip_idx ON attack_sessions (organization_id, source_ip);

CREATE TABLE attack_session_keys (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT attack_session_keys_pkey PRIMARY KEY (organization_id, id)
);

