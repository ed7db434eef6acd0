CREATE TABLE sources (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    source_type TEXT NOT NULL,
    base_url TEXT,
    credentials BYTEA,
    config JSONB DEFAULT '{}'::jsonb NOT NULL,
    rate_limit INTEGER DEFAULT 60 NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    reliability_score NUMERIC(3, 2),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT sources_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT sources_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT sources_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX sources_organization_id_is_active_idx ON sources (organization_id, is_active);
CREATE INDEX sources_organization_id_source_type_idx ON sources (organization_id, source_type);

CREATE TABLE collections (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    collector_type TEXT NOT NULL,
    config JSONB DEFAULT '{}'::jsonb NOT NULL,
    schedule JSONB,
    status TEXT DEFAULT 'pending' NOT NULL,
    progress NUMERIC(5, 2) DEFAULT 0 NOT NULL,
    items_collected INTEGER DEFAULT 0 NOT NULL,
    error_message TEXT,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT collections_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT collections_collector_type_check CHECK (collector_type = ANY (ARRAY['social_media'::text, 'domain_intel'::text, 'public_db'::text, 'news'::text, 'dark_web'::text, 'custom'::text])),
    CONSTRAINT collections_status_check CHECK (status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])),
    CONSTRAINT collections_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT collections_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX collections_organization_id_collector_type_idx ON collections (organization_id, collector_type);
CREATE INDEX collections_organization_id_created_at_idx ON collections (organization_id, created_at);
CREATE INDEX collections_organization_id_status_idx ON collections (organization_id, status);
CREATE INDEX collections_organization_id_user_id_idx ON collections (organization_id, user_id);

CREATE TABLE collection_items (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    collection_id UUID NOT NULL,
    source_id UUID,
    raw_data JSONB DEFAULT '{}'::jsonb NOT NULL,
    item_type TEXT,
    hash CHAR(64) NOT NULL,
    is_processed BOOLEAN DEFAULT false NOT NULL,
    collected_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    parent_id UUID,
    file_name TEXT,
    line BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT collection_items_pkey PRIMARY KEY (organization_id, collected_at, id),
    CONSTRAINT collection_items_organization_id_collection_id_fkey FOREIGN KEY(organization_id, collection_id) REFERENCES collections (organization_id, id) ON DELETE CASCADE
) PARTITION BY RANGE (collected_at);
CREATE INDEX collection_items_organization_id_collection_id_idx ON collection_items (organization_id, collection_id);
CREATE INDEX collection_items_organization_id_hash_idx ON collection_items (organization_id, hash);
CREATE INDEX collection_items_organization_id_is_processed_idx ON collection_items (organization_id, is_processed);
CREATE INDEX collection_items_organization_id_parent_id_idx ON collection_items (organization_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX collection_items_organization_id_source_id_idx ON collection_items (organization_id, source_id);

CREATE TABLE collection_item_hashes (
    organization_id UUID NOT NULL,
    hash CHAR(64) NOT NULL,
    collection_item_id UUID NOT NULL,
    collected_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT collection_item_hashes_pkey PRIMARY KEY (organization_id, hash)
);
CREATE INDEX collection_item_hashes_organization_id_collection_item_id_idx ON collection_item_hashes (organization_id, collection_item_id);

CREATE TABLE ingest_files (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    collection_item_id UUID NOT NULL,
    file_name TEXT NOT NULL,
    digest TEXT NOT NULL,
    size_bytes BIGINT DEFAULT 0 NOT NULL,
    source TEXT NOT NULL,
    variant TEXT NOT NULL,
    framing TEXT NOT NULL,
    reader_version INTEGER DEFAULT 0 NOT NULL,
    settings TEXT DEFAULT '{}' NOT NULL,
    status TEXT DEFAULT 'running' NOT NULL,
    position_offset BIGINT DEFAULT 0 NOT NULL,
    position_line BIGINT DEFAULT 1 NOT NULL,
    position_record BIGINT DEFAULT 0 NOT NULL,
    position_state TEXT DEFAULT '' NOT NULL,
    counts JSONB DEFAULT '{}'::jsonb NOT NULL,
    entities_new INTEGER DEFAULT 0 NOT NULL,
    relationships_new INTEGER DEFAULT 0 NOT NULL,
    by_reason JSONB DEFAULT '{}'::jsonb NOT NULL,
    warnings JSONB DEFAULT '[]'::jsonb NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT ingest_files_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT ingest_files_status_check CHECK (status = ANY (ARRAY['running'::text, 'completed'::text])),
    CONSTRAINT ingest_files_organization_id_collection_item_id_source__ab5b UNIQUE (organization_id, collection_item_id, source, reader_version, settings),
    CONSTRAINT ingest_files_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

