CREATE SCHEMA audit;

-- One sequence for the whole trail: a row's number is unlike that of any other row. `xid` is what the sealer goes by
-- (see clew.domains.audit.sealer); `salt` keeps a commitment from being guessed once its payload is erased.
CREATE SEQUENCE audit.trail_id_seq;

CREATE TABLE audit.events (
    organization_id uuid NOT NULL,
    id bigint DEFAULT nextval('audit.trail_id_seq'::regclass) NOT NULL,
    xid bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    salt uuid DEFAULT gen_random_uuid(),
    event_uuid uuid DEFAULT gen_random_uuid() NOT NULL,
    "timestamp" timestamp with time zone DEFAULT now() NOT NULL,
    event_type text NOT NULL,
    user_id uuid,
    user_name text,
    source_ip inet,
    user_agent text,
    session_id uuid,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text,
    resource_name text,
    success boolean DEFAULT true NOT NULL,
    error_message text,
    request_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    response_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    processing_time_ms numeric(14, 3),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (organization_id, "timestamp", id),
    CONSTRAINT events_action_check CHECK (action = ANY (ARRAY['CREATE'::text, 'READ'::text, 'UPDATE'::text, 'DELETE'::text, 'EXECUTE'::text]))
) PARTITION BY RANGE ("timestamp");
CREATE INDEX events_xid_id_idx ON audit.events (xid, id);
CREATE INDEX events_organization_id_user_id_timestamp_idx ON audit.events (organization_id, user_id, "timestamp");
CREATE INDEX events_organization_id_action_timestamp_idx ON audit.events (organization_id, action, "timestamp");
CREATE INDEX events_organization_id_resource_type_timestamp_idx ON audit.events (organization_id, resource_type, "timestamp");

CREATE TABLE audit.row_history (
    organization_id uuid NOT NULL,
    id bigint DEFAULT nextval('audit.trail_id_seq'::regclass) NOT NULL,
    xid bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    salt uuid DEFAULT gen_random_uuid(),
    "timestamp" timestamp with time zone DEFAULT now() NOT NULL,
    table_name text NOT NULL,
    operation text NOT NULL,
    user_id uuid,
    row_id uuid,
    old_data jsonb,
    new_data jsonb,
    changed text[] DEFAULT '{}'::text[] NOT NULL,
    ip_address inet,
    session_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT row_history_pkey PRIMARY KEY (organization_id, "timestamp", id),
    CONSTRAINT row_history_operation_check CHECK (operation = ANY (ARRAY['INSERT'::text, 'UPDATE'::text, 'DELETE'::text]))
) PARTITION BY RANGE ("timestamp");
CREATE INDEX row_history_xid_id_idx ON audit.row_history (xid, id);
CREATE INDEX row_history_organization_id_table_name_row_id_idx ON audit.row_history (organization_id, table_name, row_id);

CREATE TABLE audit.configuration_changes (
    organization_id uuid NOT NULL,
    id bigint DEFAULT nextval('audit.trail_id_seq'::regclass) NOT NULL,
    xid bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    salt uuid DEFAULT gen_random_uuid(),
    change_id uuid DEFAULT gen_random_uuid() NOT NULL,
    component text NOT NULL,
    operation text NOT NULL,
    resource_path text NOT NULL,
    old_value jsonb,
    new_value jsonb,
    changed_by uuid,
    change_reason text,
    approved_by uuid,
    change_timestamp timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT configuration_changes_pkey PRIMARY KEY (organization_id, id)
);
CREATE INDEX configuration_changes_xid_id_idx ON audit.configuration_changes (xid, id);

-- A row for each state of an investigation: the newest one counts.
CREATE TABLE audit.investigations (
    organization_id uuid NOT NULL,
    id bigint DEFAULT nextval('audit.trail_id_seq'::regclass) NOT NULL,
    xid bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    salt uuid DEFAULT gen_random_uuid(),
    investigation_id uuid NOT NULL,
    investigator_id uuid,
    investigator_name text,
    target_identifier text,
    investigation_type text NOT NULL,
    priority text NOT NULL,
    status text NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    processing_time_seconds numeric(14, 3),
    data_points_collected bigint DEFAULT 0 NOT NULL,
    api_calls_made bigint DEFAULT 0 NOT NULL,
    cost_estimate_usd numeric(12, 2),
    risk_score integer,
    threat_level text,
    compliance_status text,
    classification_level text,
    key_findings jsonb DEFAULT '{}'::jsonb NOT NULL,
    warnings jsonb DEFAULT '[]'::jsonb NOT NULL,
    errors jsonb DEFAULT '[]'::jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    audit_created_at timestamp with time zone DEFAULT now() NOT NULL,
    audit_updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT investigations_pkey PRIMARY KEY (organization_id, id)
);
CREATE INDEX investigations_xid_id_idx ON audit.investigations (xid, id);
CREATE INDEX investigations_organization_id_investigator_id_idx ON audit.investigations (organization_id, investigator_id);

CREATE TABLE audit.risk_assessments (
    organization_id uuid NOT NULL,
    id bigint DEFAULT nextval('audit.trail_id_seq'::regclass) NOT NULL,
    xid bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    salt uuid DEFAULT gen_random_uuid(),
    assessment_id uuid DEFAULT gen_random_uuid() NOT NULL,
    investigation_id uuid,
    target_id uuid,
    overall_risk_score integer NOT NULL,
    threat_level text,
    confidence_level numeric(3, 2),
    assessment_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    threat_vectors jsonb DEFAULT '[]'::jsonb NOT NULL,
    critical_findings jsonb DEFAULT '[]'::jsonb NOT NULL,
    recommendations jsonb DEFAULT '[]'::jsonb NOT NULL,
    correlation_analysis jsonb DEFAULT '{}'::jsonb NOT NULL,
    assessed_by uuid,
    assessed_at timestamp with time zone DEFAULT now() NOT NULL,
    data_freshness_score numeric(3, 2),
    coverage_completeness numeric(3, 2),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT risk_assessments_pkey PRIMARY KEY (organization_id, id)
);
CREATE INDEX risk_assessments_xid_id_idx ON audit.risk_assessments (xid, id);
CREATE INDEX risk_assessments_organization_id_overall_risk_score_idx ON audit.risk_assessments (organization_id, overall_risk_score);

CREATE TABLE audit.compliance_assessments (
    organization_id uuid NOT NULL,
    id bigint DEFAULT nextval('audit.trail_id_seq'::regclass) NOT NULL,
    xid bigint DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    salt uuid DEFAULT gen_random_uuid(),
    assessment_id uuid DEFAULT gen_random_uuid() NOT NULL,
    investigation_id uuid,
    framework text NOT NULL,
    status text NOT NULL,
    risk_level text,
    compliance_score numeric(5, 2),
    violations jsonb DEFAULT '[]'::jsonb NOT NULL,
    data_categories jsonb DEFAULT '[]'::jsonb NOT NULL,
    processing_records jsonb DEFAULT '[]'::jsonb NOT NULL,
    remediation_actions jsonb DEFAULT '[]'::jsonb NOT NULL,
    assessed_by uuid,
    assessed_at timestamp with time zone DEFAULT now() NOT NULL,
    next_review_date date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT compliance_assessments_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT compliance_assessments_framework_check CHECK (framework = ANY (ARRAY['GDPR'::text, 'CCPA'::text, 'PIPEDA'::text, 'LGPD'::text, 'custom'::text])),
    CONSTRAINT compliance_assessments_status_check CHECK (status = ANY (ARRAY['compliant'::text, 'non_compliant'::text, 'review_required'::text]))
);
CREATE INDEX compliance_assessments_xid_id_idx ON audit.compliance_assessments (xid, id);
CREATE INDEX compliance_assessments_organization_id_framework_idx ON audit.compliance_assessments (organization_id, framework);

-- Measurements: many, added to only, and not sealed.
CREATE TABLE audit.api_key_usage (
    organization_id uuid NOT NULL,
    id bigint DEFAULT nextval('audit.trail_id_seq'::regclass) NOT NULL,
    service_name text NOT NULL,
    operation text NOT NULL,
    user_id uuid,
    investigation_id uuid,
    request_timestamp timestamp with time zone DEFAULT now() NOT NULL,
    response_time_ms numeric(14, 3),
    success boolean DEFAULT true NOT NULL,
    rate_limited boolean DEFAULT false NOT NULL,
    quota_exceeded boolean DEFAULT false NOT NULL,
    request_size bigint,
    response_size bigint,
    cost_usd numeric(12, 6),
    error_type text,
    error_message text,
    request_metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT api_key_usage_pkey PRIMARY KEY (organization_id, id)
);
CREATE INDEX api_key_usage_organization_id_service_name_idx ON audit.api_key_usage (organization_id, service_name, request_timestamp);

CREATE TABLE audit.system_metrics (
    organization_id uuid NOT NULL,
    id bigint DEFAULT nextval('audit.trail_id_seq'::regclass) NOT NULL,
    metric_name text NOT NULL,
    metric_value numeric NOT NULL,
    metric_unit text,
    metric_type text NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    "timestamp" timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT system_metrics_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT system_metrics_metric_type_check CHECK (metric_type = ANY (ARRAY['counter'::text, 'gauge'::text, 'histogram'::text]))
);
CREATE INDEX system_metrics_organization_id_metric_name_timestamp_idx ON audit.system_metrics (organization_id, metric_name, "timestamp");
