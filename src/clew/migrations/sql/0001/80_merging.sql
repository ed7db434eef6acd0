-- Properties merge key by key: the value observed last wins, an unobserved one loses to any observed one, and equal
-- times are decided by the greater text. The result is the same in whatever order the values arrive.
-- Times are in metadata: {"observed": {key: microseconds since 1970}}. Answers {"properties": …, "observed": …}.
CREATE FUNCTION merge_observed(old_properties jsonb, old_metadata jsonb, new_properties jsonb, new_metadata jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object(
        'properties', coalesce(jsonb_object_agg(key, value), '{}'::jsonb),
        'observed', coalesce(jsonb_object_agg(key, observed) FILTER (WHERE observed IS NOT NULL), '{}'::jsonb))
    FROM (
        SELECT DISTINCT ON (key) key, value, observed
        FROM (
            SELECT key, value, (old_metadata -> 'observed' ->> key)::bigint AS observed FROM jsonb_each(old_properties)
            UNION ALL
            SELECT key, value, (new_metadata -> 'observed' ->> key)::bigint FROM jsonb_each(new_properties)
        ) AS both_sides
        ORDER BY key, observed DESC NULLS LAST, value::text COLLATE "C" DESC
    ) AS newest
$$;

-- Whether merging would plainly change nothing: every new value and time is there already.
CREATE FUNCTION holds_observed(old_properties jsonb, old_metadata jsonb, new_properties jsonb, new_metadata jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT old_properties || new_properties = old_properties
       AND coalesce(old_metadata -> 'observed', '{}') || coalesce(new_metadata -> 'observed', '{}')
           = coalesce(old_metadata -> 'observed', '{}')
$$;

-- The union of two sessions' activities in order of time and event. The first 10,000 are kept, and of those the ones
-- that begin within the first 8 MiB: what is dropped lies behind so much in every union, so order cannot matter.
CREATE FUNCTION merge_activity(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_agg(entry ORDER BY at, event)
    FROM (
        SELECT at, event, entry,
               sum(octet_length(entry ->> 2)) OVER (ORDER BY at, event) - octet_length(entry ->> 2) AS bytes_before
        FROM (
            SELECT DISTINCT ON ((entry ->> 0)::bigint, (entry ->> 1) COLLATE "C")
                   (entry ->> 0)::bigint AS at, (entry ->> 1) COLLATE "C" AS event, entry
            FROM jsonb_array_elements(coalesce(one, '[]'::jsonb) || coalesce(other, '[]'::jsonb)) AS entry
            ORDER BY (entry ->> 0)::bigint, (entry ->> 1) COLLATE "C"
            LIMIT 10000
        ) AS first
    ) AS kept
    WHERE bytes_before <= 8388608
$$;

CREATE FUNCTION activity_text(activity jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(entry ->> 2, E'\n' ORDER BY position), '')
    FROM jsonb_array_elements(coalesce(activity, '[]'::jsonb)) WITH ORDINALITY AS listed (entry, position)
$$;

-- The stronger of two attack types; the order is that of clew.ontology.attack_types.
CREATE FUNCTION stronger_attack(one text, other text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT name FROM unnest(ARRAY['connection', 'scan', 'reconnaissance', 'brute_force', 'intrusion', 'command',
                                  'download']) WITH ORDINALITY AS types (name, rank)
    WHERE name IN (one, other) ORDER BY rank DESC LIMIT 1
$$;

GRANT EXECUTE ON FUNCTION merge_observed(jsonb, jsonb, jsonb, jsonb),
    holds_observed(jsonb, jsonb, jsonb, jsonb), merge_activity(jsonb, jsonb),
    activity_text(jsonb), stronger_attack(text, text) TO clew_application;
