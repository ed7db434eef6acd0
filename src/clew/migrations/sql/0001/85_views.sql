-- Typed access to entities: one truth, no copies. What is written through a view lands in entities.

CREATE VIEW social_profiles WITH (security_invoker = true) AS
SELECT organization_id, id, entity_type, name AS username, normalized_name, properties ->> 'platform' AS platform,
       properties ->> 'url' AS url, properties, confidence, risk_score, first_seen, last_seen, created_at, updated_at
FROM entities WHERE entity_type = 'social_profile' WITH CHECK OPTION;
ALTER VIEW social_profiles ALTER COLUMN entity_type SET DEFAULT 'social_profile';

CREATE VIEW email_accounts WITH (security_invoker = true) AS
SELECT organization_id, id, entity_type, name AS email, normalized_name, properties ->> 'domain' AS domain,
       properties, confidence, risk_score, first_seen, last_seen, created_at, updated_at
FROM entities WHERE entity_type = 'email' WITH CHECK OPTION;
ALTER VIEW email_accounts ALTER COLUMN entity_type SET DEFAULT 'email';

CREATE VIEW phone_numbers WITH (security_invoker = true) AS
SELECT organization_id, id, entity_type, name AS phone_number, normalized_name, properties ->> 'region' AS region,
       properties, confidence, risk_score, first_seen, last_seen, created_at, updated_at
FROM entities WHERE entity_type = 'phone' WITH CHECK OPTION;
ALTER VIEW phone_numbers ALTER COLUMN entity_type SET DEFAULT 'phone';

CREATE VIEW domains WITH (security_invoker = true) AS
SELECT organization_id, id, entity_type, name AS domain, normalized_name,
       properties ->> 'registered_domain' AS registered_domain, properties, confidence, risk_score, first_seen,
       last_seen, created_at, updated_at
FROM entities WHERE entity_type = 'domain' WITH CHECK OPTION;
ALTER VIEW domains ALTER COLUMN entity_type SET DEFAULT 'domain';

CREATE VIEW ip_addresses WITH (security_invoker = true) AS
SELECT organization_id, id, entity_type, name AS ip_address, normalized_name,
       (properties ->> 'version')::integer AS version, properties, flags, confidence, risk_score, first_seen,
       last_seen, created_at, updated_at
FROM entities WHERE entity_type = 'ip_address' WITH CHECK OPTION;
ALTER VIEW ip_addresses ALTER COLUMN entity_type SET DEFAULT 'ip_address';
