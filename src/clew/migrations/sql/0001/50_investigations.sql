CREATE TABLE investigations (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    investigation_type TEXT DEFAULT 'comprehensive' NOT NULL,
    priority TEXT DEFAULT 'normal' NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    stage INTEGER DEFAULT 1 NOT NULL,
    scope JSONB DEFAULT '{}'::jsonb NOT NULL,
    lawful_basis TEXT,
    classification_level TEXT,
    owner_id UUID,
    risk_score INTEGER DEFAULT 0 NOT NULL,
    threat_level TEXT,
    compliance_status TEXT,
    key_findings JSONB DEFAULT '{}'::jsonb NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    cost_estimate_usd NUMERIC(12, 2),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT investigations_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT investigations_investigation_type_check CHECK (investigation_type = ANY (ARRAY['comprehensive'::text, 'corporate'::text, 'infrastructure'::text, 'social_media'::text, 'threat_assessment'::text, 'person'::text])),
    CONSTRAINT investigations_priority_check CHECK (priority = ANY (ARRAY['low'::text, 'normal'::text, 'high'::text, 'urgent'::text, 'critical'::text])),
    CONSTRAINT investigations_status_check CHECK (status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text, 'archived'::text])),
    CONSTRAINT investigations_stage_check CHECK (stage BETWEEN 1 AND 8),
    CONSTRAINT investigations_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT investigations_organization_id_owner_id_fkey FOREIGN KEY(organization_id, owner_id) REFERENCES users (organization_id, id) ON DELETE SET NULL (owner_id),
    CONSTRAINT investigations_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX investigations_organization_id_status_idx ON investigations (organization_id, status);

CREATE TABLE targets (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    investigation_id UUID NOT NULL,
    target_type TEXT NOT NULL,
    value TEXT NOT NULL,
    normalized_value TEXT NOT NULL,
    entity_id UUID,
    status TEXT DEFAULT 'pending' NOT NULL,
    notes TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT targets_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT targets_organization_id_investigation_id_target_type_no_78c9 UNIQUE (organization_id, investigation_id, target_type, normalized_value),
    CONSTRAINT targets_organization_id_investigation_id_fkey FOREIGN KEY(organization_id, investigation_id) REFERENCES investigations (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT targets_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX targets_organization_id_entity_id_idx ON targets (organization_id, entity_id);

CREATE TABLE investigation_items (
    organization_id UUID NOT NULL,
    investigation_id UUID NOT NULL,
    collection_item_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT investigation_items_pkey PRIMARY KEY (organization_id, investigation_id, collection_item_id),
    CONSTRAINT investigation_items_organization_id_investigation_id_fkey FOREIGN KEY(organization_id, investigation_id) REFERENCES investigations (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE osint_scans (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    investigation_id UUID,
    target_id UUID,
    tool TEXT NOT NULL,
    tool_version TEXT,
    parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    item_count INTEGER DEFAULT 0 NOT NULL,
    error_message TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT osint_scans_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT osint_scans_status_check CHECK (status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])),
    CONSTRAINT osint_scans_organization_id_investigation_id_fkey FOREIGN KEY(organization_id, investigation_id) REFERENCES investigations (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT osint_scans_organization_id_target_id_fkey FOREIGN KEY(organization_id, target_id) REFERENCES targets (organization_id, id) ON DELETE SET NULL (target_id),
    CONSTRAINT osint_scans_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX osint_scans_organization_id_investigation_id_idx ON osint_scans (organization_id, investigation_id);

CREATE TABLE tool_execution_logs (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    analysis_session_id UUID,
    tool_name TEXT NOT NULL,
    execution_status TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    input_parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
    output_results JSONB DEFAULT '{}'::jsonb NOT NULL,
    error_details JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT tool_execution_logs_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT tool_execution_logs_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX tool_execution_logs_organization_id_analysis_session_id_idx ON tool_execution_logs (organization_id, analysis_session_id);

