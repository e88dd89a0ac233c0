-- The audit log by actor, by kind and by time. With revision and position behind it, a page of one actor or one kind is read
-- in its order, however large the log; the tenant's index from before does the same for a tenant.

CREATE INDEX "registry_change_actor_revision_position_idx" ON "registry_change"("actor", "revision", "position");
CREATE INDEX "registry_change_kind_revision_position_idx" ON "registry_change"("kind", "revision", "position");
CREATE INDEX "registry_change_changed_at_idx" ON "registry_change"("changed_at");
