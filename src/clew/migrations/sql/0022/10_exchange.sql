SET LOCAL lock_timeout = '10s';
CREATE TABLE exchange_peers (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    base_url TEXT NOT NULL,
    credentials BYTEA,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    synced_at TIMESTAMP WITH TIME ZONE,
    report JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT exchange_peers_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT exchange_peers_kind_check CHECK (kind = ANY (ARRAY['misp'::text, 'taxii'::text])),
    CONSTRAINT exchange_peers_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT exchange_peers_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE exchange_contents (
    organization_id UUID NOT NULL,
    hash CHAR(64) NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT exchange_contents_pkey PRIMARY KEY (organization_id, hash),
    CONSTRAINT exchange_contents_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE exchange_objects (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    form TEXT NOT NULL,
    external_id TEXT NOT NULL,
    object_type TEXT NOT NULL,
    title TEXT,
    content_hash CHAR(64),
    campaign_id UUID,
    generated_hash CHAR(64),
    deleted_at TIMESTAMP WITH TIME ZONE,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT exchange_objects_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT exchange_objects_form_check CHECK (form = ANY (ARRAY['misp'::text, 'stix'::text, 'bundle'::text])),
    CONSTRAINT exchange_objects_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE SET NULL (campaign_id),
    CONSTRAINT exchange_objects_organization_id_form_external_id_key UNIQUE (organization_id, form, external_id),
    CONSTRAINT exchange_objects_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX exchange_objects_organization_id_campaign_id_idx ON exchange_objects (organization_id, campaign_id);
CREATE INDEX exchange_objects_organization_id_content_hash_idx ON exchange_objects (organization_id, content_hash);
CREATE INDEX exchange_objects_organization_id_form_changed_at_idx ON exchange_objects (organization_id, form, changed_at);
CREATE INDEX exchange_objects_organization_id_generated_hash_idx ON exchange_objects (organization_id, generated_hash);
CREATE TABLE exchange_bundle_members (
    organization_id UUID NOT NULL,
    bundle_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    content_hash CHAR(64) NOT NULL,
    CONSTRAINT exchange_bundle_members_pkey PRIMARY KEY (organization_id, bundle_id, position),
    CONSTRAINT exchange_bundle_members_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX exchange_bundle_members_organization_id_content_hash_idx ON exchange_bundle_members (organization_id, content_hash);
CREATE TABLE exchange_states (
    organization_id UUID NOT NULL,
    peer_id UUID NOT NULL,
    form TEXT NOT NULL,
    external_id TEXT NOT NULL,
    base_hash CHAR(64),
    sent_hash CHAR(64),
    is_deleted BOOLEAN DEFAULT false NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT exchange_states_pkey PRIMARY KEY (organization_id, peer_id, form, external_id),
    CONSTRAINT exchange_states_organization_id_peer_id_fkey FOREIGN KEY(organization_id, peer_id) REFERENCES exchange_peers (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT exchange_states_form_check CHECK (form = ANY (ARRAY['misp'::text, 'stix'::text, 'bundle'::text]))
);
CREATE INDEX exchange_states_organization_id_base_hash_idx ON exchange_states (organization_id, base_hash);
CREATE INDEX exchange_states_organization_id_sent_hash_idx ON exchange_states (organization_id, sent_hash);
CREATE TABLE exchange_conflicts (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    peer_id UUID NOT NULL,
    form TEXT NOT NULL,
    external_id TEXT NOT NULL,
    place TEXT NOT NULL,
    rule TEXT NOT NULL,
    base JSONB,
    ours JSONB,
    theirs JSONB,
    resolution TEXT,
    resolved_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT exchange_conflicts_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT exchange_conflicts_organization_id_peer_id_fkey FOREIGN KEY(organization_id, peer_id) REFERENCES exchange_peers (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT exchange_conflicts_form_check CHECK (form = ANY (ARRAY['misp'::text, 'stix'::text, 'bundle'::text])),
    CONSTRAINT exchange_conflicts_organization_id_peer_id_form_externa_a560 UNIQUE (organization_id, peer_id, form, external_id, place),
    CONSTRAINT exchange_conflicts_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE exchange_collections (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    maximum_tlp TEXT DEFAULT 'green' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT exchange_collections_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT exchange_collections_organization_id_title_key UNIQUE (organization_id, title),
    CONSTRAINT exchange_collections_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE TABLE exchange_shares (
    organization_id UUID NOT NULL,
    collection_id UUID NOT NULL,
    external_id TEXT NOT NULL,
    version TEXT NOT NULL,
    content_hash CHAR(64) NOT NULL,
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    added_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT exchange_shares_pkey PRIMARY KEY (organization_id, collection_id, external_id, version),
    CONSTRAINT exchange_shares_organization_id_collection_id_fkey FOREIGN KEY(organization_id, collection_id) REFERENCES exchange_collections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX exchange_shares_organization_id_collection_id_added_at__f0f1 ON exchange_shares (organization_id, collection_id, added_at, position);
CREATE INDEX exchange_shares_organization_id_content_hash_idx ON exchange_shares (organization_id, content_hash);
CREATE TABLE attack_techniques (
    organization_id UUID NOT NULL,
    stix_id TEXT NOT NULL,
    technique TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    url TEXT,
    version TEXT,
    attack_version TEXT,
    tactics JSONB DEFAULT '{}'::jsonb NOT NULL,
    is_revoked BOOLEAN DEFAULT false NOT NULL,
    is_deprecated BOOLEAN DEFAULT false NOT NULL,
    revoked_by TEXT,
    modified_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT attack_techniques_pkey PRIMARY KEY (organization_id, stix_id),
    CONSTRAINT attack_techniques_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX attack_techniques_organization_id_technique_idx ON attack_techniques (organization_id, technique);

ALTER TABLE exchange_peers ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_peers FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON exchange_peers USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON exchange_peers TO clew_application;
ALTER TABLE exchange_contents ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_contents FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON exchange_contents USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON exchange_contents TO clew_application;
ALTER TABLE exchange_objects ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_objects FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON exchange_objects USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON exchange_objects TO clew_application;
ALTER TABLE exchange_bundle_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_bundle_members FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON exchange_bundle_members USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON exchange_bundle_members TO clew_application;
ALTER TABLE exchange_states ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_states FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON exchange_states USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON exchange_states TO clew_application;
ALTER TABLE exchange_conflicts ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_conflicts FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON exchange_conflicts USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON exchange_conflicts TO clew_application;
ALTER TABLE exchange_collections ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_collections FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON exchange_collections USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON exchange_collections TO clew_application;
ALTER TABLE exchange_shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_shares FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON exchange_shares USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON exchange_shares TO clew_application;
ALTER TABLE attack_techniques ENABLE ROW LEVEL SECURITY;
ALTER TABLE attack_techniques FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON attack_techniques USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON attack_techniques TO clew_application;
