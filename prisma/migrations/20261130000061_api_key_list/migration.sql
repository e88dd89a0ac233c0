-- The list of API keys, newest first.

CREATE INDEX "api_keys_created_at_id_idx" ON "api_keys"("created_at", "id");
