-- The chain of each organization. 52 bytes of `entries` for each row: what it is, where it lies, the commitment to it.
CREATE TABLE audit.seals (
    organization_id uuid NOT NULL,
    number bigint NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    rows integer NOT NULL,
    rows_before bigint NOT NULL,
    entries bytea NOT NULL,
    digest bytea NOT NULL,
    seal bytea NOT NULL,
    signature bytea NOT NULL,
    CONSTRAINT seals_pkey PRIMARY KEY (organization_id, number)
);

-- How far the sealer has come, for all organizations: the one row it locks while it works.
CREATE TABLE audit.sealing (
    id boolean DEFAULT true NOT NULL,
    snapshot text DEFAULT '3:3:' NOT NULL,
    target text,
    after_xid bigint DEFAULT 0 NOT NULL,
    after_id bigint DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sealing_pkey PRIMARY KEY (id),
    CONSTRAINT sealing_id_check CHECK (id)
);
INSERT INTO audit.sealing DEFAULT VALUES;

-- Pieces of the spool that are in the trail already: one that is met again is only thrown away.
CREATE TABLE audit.spool_segments (
    id uuid NOT NULL,
    rows integer NOT NULL,
    drained_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT spool_segments_pkey PRIMARY KEY (id)
);

CREATE FUNCTION audit.commitment(salt uuid, payload jsonb) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(uuid_send(salt) || convert_to(payload::text, 'UTF8'))
$$;

-- What is sealed. Whoever adds a column to one of these tables leaves it out of the payload where it is null:
-- otherwise no row of before would agree with its commitment any more.
CREATE VIEW audit.trail WITH (security_invoker = true) AS
SELECT organization_id, 1::smallint AS kind, xid, id, "timestamp" AS at, salt, to_jsonb(t) - 'salt' AS payload
FROM audit.events t
UNION ALL
SELECT organization_id, 2::smallint, xid, id, "timestamp", salt, to_jsonb(t) - 'salt' FROM audit.row_history t
UNION ALL
SELECT organization_id, 3::smallint, xid, id, created_at, salt, to_jsonb(t) - 'salt' FROM audit.configuration_changes t
UNION ALL
SELECT organization_id, 4::smallint, xid, id, created_at, salt, to_jsonb(t) - 'salt' FROM audit.investigations t
UNION ALL
SELECT organization_id, 5::smallint, xid, id, created_at, salt, to_jsonb(t) - 'salt' FROM audit.risk_assessments t
UNION ALL
SELECT organization_id, 6::smallint, xid, id, created_at, salt, to_jsonb(t) - 'salt' FROM audit.compliance_assessments t;

-- The trail is added to only, whoever asks. (A partition that is detached for a moment, as the future's is when rows move
-- on to their month, has no triggers for rows.)
CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is only added to: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'row_history', 'configuration_changes', 'investigations', 'risk_assessments',
                                'compliance_assessments', 'seals'] LOOP
        EXECUTE format('CREATE TRIGGER stays_as_it_is BEFORE UPDATE OR DELETE ON audit.%I '
                       'FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()', name);
        EXECUTE format('CREATE TRIGGER stays BEFORE TRUNCATE ON audit.%I '
                       'EXECUTE FUNCTION audit.refuse_change()', name);
    END LOOP;
END $$;

DO $$
DECLARE
    parent text;
    starts timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
BEGIN
    FOREACH parent IN ARRAY ARRAY['events', 'row_history'] LOOP
        EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.%I FOR VALUES FROM (MINVALUE) TO (%L)',
                       parent || '_impossible_past', parent, '2000-01-01 00:00:00+00');
        EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.%I FOR VALUES FROM (%L) TO (MAXVALUE)',
                       parent || '_impossible_future', parent, starts);
        EXECUTE format('CREATE TRIGGER stays BEFORE TRUNCATE ON audit.%I EXECUTE FUNCTION audit.refuse_change()',
                       parent || '_impossible_past');
        EXECUTE format('CREATE TRIGGER stays BEFORE TRUNCATE ON audit.%I EXECUTE FUNCTION audit.refuse_change()',
                       parent || '_impossible_future');
        PERFORM advance_future('audit.' || parent, (starts AT TIME ZONE 'UTC' + interval '1 month')::date);
    END LOOP;
END $$;
