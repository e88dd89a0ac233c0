-- After a restore of the registry the guards in the service databases have the states of before. Workers compare them.

CREATE TABLE "compared_guards" (
    "module" TEXT NOT NULL,
    "epoch" TEXT NOT NULL,
    "claimed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "compared_guards_pkey" PRIMARY KEY ("module")
);

ALTER TABLE "compared_guards" ADD CONSTRAINT "compared_guards_module_fkey"
  FOREIGN KEY ("module") REFERENCES "modules"("name") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT registry_protect_rows('compared_guards');

COMMENT ON TABLE compared_guards IS 'The epoch in which the guards of a module were last compared with the registry. Written by workers: in another epoch, as after a restore, one of them compares all guards again. Not part of the change log.';
COMMENT ON COLUMN compared_guards.module IS 'Name of the module.';
COMMENT ON COLUMN compared_guards.epoch IS 'Value of registry_epoch() at the comparison; empty while a worker compares.';
COMMENT ON COLUMN compared_guards.claimed_at IS 'Time when a worker began the comparison; after a minute without an end another one begins.';
COMMENT ON CONSTRAINT compared_guards_module_fkey ON compared_guards IS 'Goes with its module.';
