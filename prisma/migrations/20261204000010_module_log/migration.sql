-- The audit log by module, alone and together with an actor or kinds. Entries without a module are not in these indexes.

CREATE INDEX registry_change_module_idx ON registry_change (module, kind, revision, position) WHERE module IS NOT NULL;
CREATE INDEX registry_change_module_actor_idx ON registry_change (module, actor, kind, revision, position) WHERE module IS NOT NULL;
