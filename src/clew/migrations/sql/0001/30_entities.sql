CREATE TABLE entities (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    entity_type TEXT NOT NULL,
    name TEXT NOT NULL,
    normalized_name TEXT NOT NULL,
    properties JSONB DEFAULT '{}'::jsonb NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    tags TEXT[] DEFAULT '{}'::text[] NOT NULL,
    flags TEXT[] DEFAULT '{}'::text[] NOT NULL,
    risk_score INTEGER DEFAULT 0 NOT NULL,
    confidence NUMERIC(3, 2) DEFAULT 0.50 NOT NULL,
    is_verified BOOLEAN DEFAULT false NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE,
    last_seen TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT entities_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT entities_risk_score_check CHECK (risk_score BETWEEN 0 AND 100),
    CONSTRAINT entities_confidence_check CHECK (confidence BETWEEN 0 AND 1)
);
CREATE INDEX entities_organization_id_entity_type_idx ON entities (organization_id, entity_type);
CREATE INDEX entities_organization_id_name_idx ON entities (organization_id, name);
CREATE INDEX entities_organization_id_normalized_name_idx ON entities (organization_id, normalized_name);
CREATE INDEX entities_organization_id_risk_score_idx ON entities (organization_id, risk_score) WHERE risk_score > 0;
CREATE INDEX entities_properties_idx ON entities USING gin (properties);
CREATE INDEX entities_tags_idx ON entities USING gin (tags);

CREATE TABLE entity_aliases (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    alias_id UUID NOT NULL,
    entity_id UUID NOT NULL,
    reason TEXT,
    judged_by TEXT,
    undone_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT entity_aliases_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT entity_aliases_organization_id_entity_id_fkey FOREIGN KEY(organization_id, entity_id) REFERENCES entities (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT entity_aliases_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX entity_aliases_organization_id_alias_id_idx ON entity_aliases (organization_id, alias_id);
CREATE INDEX entity_aliases_organization_id_entity_id_idx ON entity_aliases (organization_id, entity_id);

CREATE TABLE entity_sources (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    entity_id UUID NOT NULL,
    collection_item_id UUID NOT NULL,
    confidence NUMERIC(3, 2) DEFAULT 0.50 NOT NULL,
    extraction_method TEXT,
    line BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT entity_sources_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT entity_sources_organization_id_entity_id_collection_item_id_key UNIQUE (organization_id, entity_id, collection_item_id)
);
CREATE INDEX entity_sources_organization_id_collection_item_id_idx ON entity_sources (organization_id, collection_item_id);

CREATE TABLE relationships (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    source_entity_id UUID NOT NULL,
    target_entity_id UUID NOT NULL,
    relationship_type TEXT NOT NULL,
    confidence NUMERIC(3, 2) DEFAULT 0.50 NOT NULL,
    source TEXT,
    properties JSONB DEFAULT '{}'::jsonb NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE,
    last_seen TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT relationships_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT relationships_confidence_check CHECK (confidence BETWEEN 0 AND 1)
);
CREATE INDEX relationships_organization_id_source_entity_id_relation_5eda ON relationships (organization_id, source_entity_id, relationship_type);
CREATE INDEX relationships_organization_id_target_entity_id_relation_faa0 ON relationships (organization_id, target_entity_id, relationship_type);

CREATE TABLE relationship_sources (
    organization_id UUID NOT NULL,
    relationship_id UUID NOT NULL,
    collection_item_id UUID NOT NULL,
    confidence NUMERIC(3, 2) DEFAULT 0.50 NOT NULL,
    line BIGINT,
    CONSTRAINT relationship_sources_pkey PRIMARY KEY (organization_id, relationship_id, collection_item_id)
);
CREATE INDEX relationship_sources_organization_id_collection_item_id_idx ON relationship_sources (organization_id, collection_item_id);

CREATE TABLE risk_scores (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    entity_id UUID NOT NULL,
    score INTEGER DEFAULT 0 NOT NULL,
    level TEXT NOT NULL,
    factors JSONB DEFAULT '{}'::jsonb NOT NULL,
    calculation_method TEXT,
    calculated_by UUID,
    calculated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT risk_scores_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT risk_scores_score_check CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT risk_scores_level_check CHECK (level = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text])),
    CONSTRAINT risk_scores_organization_id_entity_id_fkey FOREIGN KEY(organization_id, entity_id) REFERENCES entities (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT risk_scores_organization_id_calculated_by_fkey FOREIGN KEY(organization_id, calculated_by) REFERENCES users (organization_id, id) ON DELETE SET NULL (calculated_by),
    CONSTRAINT risk_scores_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX risk_scores_organization_id_calculated_at_idx ON risk_scores (organization_id, calculated_at);
CREATE INDEX risk_scores_organization_id_entity_id_idx ON risk_scores (organization_id, entity_id);
CREATE INDEX risk_scores_organization_id_level_idx ON risk_scores (organization_id, level);
CREATE INDEX risk_scores_organization_id_score_idx ON risk_scores (organization_id, score);

CREATE TABLE social_posts (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    platform TEXT NOT NULL,
    profile_id UUID NOT NULL,
    content TEXT,
    hashtags TEXT[] DEFAULT '{}'::text[] NOT NULL,
    mentions TEXT[] DEFAULT '{}'::text[] NOT NULL,
    language TEXT,
    stats JSONB DEFAULT '{}'::jsonb NOT NULL,
    location TEXT,
    media JSONB DEFAULT '{}'::jsonb NOT NULL,
    posted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT social_posts_pkey PRIMARY KEY (organization_id, posted_at, id),
    CONSTRAINT social_posts_organization_id_profile_id_fkey FOREIGN KEY(organization_id, profile_id) REFERENCES entities (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT social_posts_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
) PARTITION BY RANGE (posted_at);
CREATE INDEX social_posts_organization_id_profile_id_posted_at_idx ON social_posts (organization_id, profile_id, posted_at);

