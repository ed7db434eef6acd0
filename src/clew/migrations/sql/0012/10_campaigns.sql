CREATE TABLE analysis_sessions (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    user_id UUID,
    status TEXT DEFAULT 'queued' NOT NULL,
    analysis_depth TEXT DEFAULT 'standard' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    processing_time_seconds NUMERIC(12, 3),
    coordination_confidence NUMERIC(5, 4),
    campaign_id UUID,
    final_assessment JSONB DEFAULT '{}'::jsonb NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    callback_url TEXT,
    priority INTEGER DEFAULT 5 NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT analysis_sessions_pkey PRIMARY KEY (organization_id, created_at, id),
    CONSTRAINT analysis_sessions_status_check CHECK (status = ANY (ARRAY['queued'::text, 'processing'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])),
    CONSTRAINT analysis_sessions_analysis_depth_check CHECK (analysis_depth = ANY (ARRAY['minimal'::text, 'standard'::text, 'deep'::text, 'forensic'::text])),
    CONSTRAINT analysis_sessions_coordination_confidence_check CHECK (coordination_confidence BETWEEN 0 AND 1),
    CONSTRAINT analysis_sessions_priority_check CHECK (priority BETWEEN 1 AND 10),
    CONSTRAINT analysis_sessions_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT analysis_sessions_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
) PARTITION BY RANGE (created_at);
CREATE INDEX analysis_sessions_organization_id_campaign_id_idx ON analysis_sessions (organization_id, campaign_id);
CREATE INDEX analysis_sessions_organization_id_created_at_idx ON analysis_sessions (organization_id, created_at DESC);
CREATE INDEX analysis_sessions_organization_id_priority_status_idx ON analysis_sessions (organization_id, priority DESC, status);
CREATE INDEX analysis_sessions_organization_id_status_idx ON analysis_sessions (organization_id, status);
CREATE INDEX analysis_sessions_organization_id_user_id_idx ON analysis_sessions (organization_id, user_id);

CREATE TABLE analysis_results (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    analysis_session_id UUID NOT NULL,
    evidence_breakdown JSONB DEFAULT '{}'::jsonb NOT NULL,
    temporal_correlation_score NUMERIC(5, 4),
    behavioral_similarity_score NUMERIC(5, 4),
    infrastructure_correlation_score NUMERIC(5, 4),
    geographic_distribution_score NUMERIC(5, 4),
    tool_results JSONB DEFAULT '{}'::jsonb NOT NULL,
    enrichment_data JSONB DEFAULT '{}'::jsonb NOT NULL,
    ml_model_outputs JSONB DEFAULT '{}'::jsonb NOT NULL,
    processing_steps JSONB DEFAULT '{}'::jsonb NOT NULL,
    errors JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT analysis_results_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT analysis_results_organization_id_analysis_session_id_key UNIQUE (organization_id, analysis_session_id),
    CONSTRAINT analysis_results_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

CREATE TABLE campaigns (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    first_seen TIMESTAMP WITH TIME ZONE,
    last_seen TIMESTAMP WITH TIME ZONE,
    status TEXT DEFAULT 'active' NOT NULL,
    confidence_threshold NUMERIC(3, 2) DEFAULT 0.70 NOT NULL,
    confidence NUMERIC(5, 4) NOT NULL,
    attack_count BIGINT DEFAULT 0 NOT NULL,
    unique_sources INTEGER DEFAULT 0 NOT NULL,
    misp_event_id TEXT,
    threat_actor_attribution TEXT,
    ttps JSONB DEFAULT '{}'::jsonb NOT NULL,
    iocs JSONB DEFAULT '{}'::jsonb NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    scores JSONB DEFAULT '{}'::jsonb NOT NULL,
    evidence JSONB DEFAULT '[]'::jsonb NOT NULL,
    is_pinned BOOLEAN DEFAULT false NOT NULL,
    is_rejected BOOLEAN DEFAULT false NOT NULL,
    is_named BOOLEAN DEFAULT false NOT NULL,
    merged_into UUID,
    split_from UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT campaigns_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT campaigns_status_check CHECK (status = ANY (ARRAY['active'::text, 'dormant'::text, 'concluded'::text, 'monitoring'::text])),
    CONSTRAINT campaigns_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT campaigns_organization_id_merged_into_fkey FOREIGN KEY(organization_id, merged_into) REFERENCES campaigns (organization_id, id) ON DELETE SET NULL (merged_into),
    CONSTRAINT campaigns_organization_id_split_from_fkey FOREIGN KEY(organization_id, split_from) REFERENCES campaigns (organization_id, id) ON DELETE SET NULL (split_from),
    CONSTRAINT campaigns_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX campaigns_organization_id_created_at_id_idx ON campaigns (organization_id, created_at, id);
CREATE INDEX campaigns_organization_id_status_idx ON campaigns (organization_id, status);

CREATE TABLE campaign_sessions (
    organization_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    analysis_session_id UUID NOT NULL,
    confidence_score NUMERIC(5, 4) NOT NULL,
    evidence_factors JSONB DEFAULT '{}'::jsonb NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT campaign_sessions_pkey PRIMARY KEY (organization_id, campaign_id, analysis_session_id),
    CONSTRAINT campaign_sessions_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX campaign_sessions_organization_id_analysis_session_id_idx ON campaign_sessions (organization_id, analysis_session_id);

CREATE TABLE campaign_indicators (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    campaign_id UUID NOT NULL,
    indicator_type TEXT NOT NULL,
    indicator_value TEXT NOT NULL,
    confidence NUMERIC(5, 4) DEFAULT 1.0 NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE,
    last_seen TIMESTAMP WITH TIME ZONE,
    occurrence_count BIGINT DEFAULT 1 NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT campaign_indicators_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT campaign_indicators_indicator_type_check CHECK (indicator_type = ANY (ARRAY['ip'::text, 'domain'::text, 'hash'::text, 'pattern'::text, 'behavior'::text])),
    CONSTRAINT campaign_indicators_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT campaign_indicators_organization_id_campaign_id_indicat_ca88 UNIQUE (organization_id, campaign_id, indicator_type, indicator_value),
    CONSTRAINT campaign_indicators_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX campaign_indicators_organization_id_confidence_idx ON campaign_indicators (organization_id, confidence DESC);
CREATE INDEX campaign_indicators_organization_id_indicator_type_indi_f8d3 ON campaign_indicators (organization_id, indicator_type, indicator_value);

CREATE TABLE campaign_members (
    organization_id UUID NOT NULL,
    campaign_id UUID NOT NULL,
    source_ip INET NOT NULL,
    confidence NUMERIC(5, 4) NOT NULL,
    first_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    session_ids UUID[] NOT NULL,
    CONSTRAINT campaign_members_pkey PRIMARY KEY (organization_id, campaign_id, source_ip),
    CONSTRAINT campaign_members_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX campaign_members_organization_id_source_ip_idx ON campaign_members (organization_id, source_ip);

CREATE TABLE analysis_session_members (
    organization_id UUID NOT NULL,
    analysis_session_id UUID NOT NULL,
    attack_session_id UUID NOT NULL,
    campaign_id UUID,
    CONSTRAINT analysis_session_members_pkey PRIMARY KEY (organization_id, analysis_session_id, attack_session_id),
    CONSTRAINT analysis_session_members_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE SET NULL (campaign_id)
);
CREATE INDEX analysis_session_members_organization_id_campaign_id_idx ON analysis_session_members (organization_id, campaign_id);

CREATE TABLE campaign_decisions (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    campaign_id UUID NOT NULL,
    decision TEXT NOT NULL,
    parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
    user_id UUID,
    undone_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT campaign_decisions_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT campaign_decisions_decision_check CHECK (decision = ANY (ARRAY['pin'::text, 'reject'::text, 'merge'::text, 'split'::text, 'rename'::text, 'attribute'::text])),
    CONSTRAINT campaign_decisions_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT campaign_decisions_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE SET NULL (user_id),
    CONSTRAINT campaign_decisions_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX campaign_decisions_organization_id_campaign_id_idx ON campaign_decisions (organization_id, campaign_id);

CREATE TABLE campaign_activity (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    campaign_id UUID NOT NULL,
    analysis_session_id UUID,
    event TEXT NOT NULL,
    source_ip INET,
    confidence NUMERIC(5, 4),
    details JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT campaign_activity_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT campaign_activity_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT campaign_activity_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX campaign_activity_organization_id_campaign_id_id_idx ON campaign_activity (organization_id, campaign_id, id);

CREATE TABLE campaign_analytics (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    campaign_id UUID NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    metric_type TEXT NOT NULL,
    metrics JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT campaign_analytics_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT campaign_analytics_organization_id_campaign_id_fkey FOREIGN KEY(organization_id, campaign_id) REFERENCES campaigns (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT campaign_analytics_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX campaign_analytics_organization_id_campaign_id_timestamp_idx ON campaign_analytics (organization_id, campaign_id, timestamp);

CREATE TABLE alert_events (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    alert_type TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id UUID NOT NULL,
    evidence JSONB DEFAULT '{}'::jsonb NOT NULL,
    dedup_key TEXT NOT NULL,
    handled_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT alert_events_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT alert_events_organization_id_dedup_key_key UNIQUE (organization_id, dedup_key),
    CONSTRAINT alert_events_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX alert_events_organization_id_handled_at_created_at_idx ON alert_events (organization_id, handled_at, created_at);

CREATE TABLE coordination_states (
    organization_id UUID NOT NULL,
    analysis_depth TEXT NOT NULL,
    position TEXT NOT NULL,
    versions JSONB DEFAULT '{}'::jsonb NOT NULL,
    background BYTEA NOT NULL,
    addresses BYTEA NOT NULL,
    sessions BIGINT DEFAULT 0 NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT coordination_states_pkey PRIMARY KEY (organization_id, analysis_depth),
    CONSTRAINT coordination_states_analysis_depth_check CHECK (analysis_depth = ANY (ARRAY['minimal'::text, 'standard'::text, 'deep'::text, 'forensic'::text]))
);

CREATE TABLE event_batches (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    xid BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    item_id UUID NOT NULL,
    batch JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT event_batches_pkey PRIMARY KEY (organization_id, id)
);
