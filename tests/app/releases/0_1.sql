-- What release 0.1 says to the database while it works, in the order of a job's life. A later schema must understand
-- all of it until that release is gone everywhere (expand, migrate, contract). Each statement must change or give rows.

-- accept
INSERT INTO jobs (id, created_at, client_id, owner, topic, content_type, keywords, priority, request_id, trace_parent, expires_at)
SELECT id, created_at, client_id, owner, topic, content_type, keywords, priority, request_id, trace_parent, now() + interval '1 day'
FROM jsonb_to_recordset('[{"id": "use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071", "created_at": "2026-01-01T00:00:00Z", "client_id": "acme", "owner": "acme", "topic": "Tea", "content_type": "blog", "keywords": ["water"], "priority": "balanced"}]')
AS new (id text, created_at timestamptz, client_id text, owner text, topic text, content_type text, keywords jsonb, priority text, request_id text, trace_parent text);

-- remember the idempotency key
INSERT INTO idempotency_keys (owner, key, body_hash, job_id)
VALUES ('acme', 'key', '\x00', 'use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071')
ON CONFLICT (owner, key) DO UPDATE SET body_hash = excluded.body_hash, job_id = excluded.job_id, created_at = now();

-- put it into the queue
INSERT INTO pgqueuer (priority, entrypoint, payload, execute_after, dedupe_key, status)
VALUES (-1, 'ai_generation', 'use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071', now(), 'use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071', 'queued');

-- claim
UPDATE jobs SET updated_at = now(), status = 'in_progress', attempt = attempt + 1, progress = 5,
started_at = coalesce(started_at, now()), finished_at = NULL, error_type = NULL, error = NULL
WHERE id = 'use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071' AND created_at = '2026-01-01T00:00:00Z' AND status IN ('pending', 'in_progress');

-- complete
UPDATE jobs SET updated_at = now(), status = 'completed', progress = 100, finished_at = now(), content = '{}', provider = 'openai',
model = 'gpt-5', input_tokens = 1, output_tokens = 2, cost_usd = 0.01, error_type = NULL, error = NULL
WHERE id = 'use1-019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071' AND status = 'in_progress' AND attempt = 1;

-- look
SELECT id, created_at, client_id, owner, topic, content_type, keywords, priority, status, attempt, progress, updated_at, started_at,
finished_at, expires_at, content, provider, model, input_tokens, output_tokens, cost_usd, error_type, error, request_id, trace_parent
FROM jobs WHERE client_id = 'acme' AND owner IS NOT DISTINCT FROM 'acme' ORDER BY created_at DESC, id DESC LIMIT 20;

-- costs of a day
SELECT day, requests, llm_cost_usd, request_cost_usd, total_cost_usd FROM daily_costs;

-- keys, flags, modes
INSERT INTO api_keys (id, key_hash, client_id, name, tier) VALUES ('k', '\x00', 'acme', '', 'free') RETURNING created_at, revoked_at;

INSERT INTO feature_flags (name, enabled, percent) VALUES ('f', true, 50)
ON CONFLICT (name) DO UPDATE SET enabled = excluded.enabled, percent = excluded.percent, updated_at = now() RETURNING name;

INSERT INTO service_modes (name, value) VALUES ('mode', 'normal')
ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = now() RETURNING name;
