/** The known risks of statements: what happens, and how the same is reached without it. `$` is what the statement names. */
export const riskTexts = {
  TABLE_REWRITE: {
    message: 'PostgreSQL may write every row of the table of $ anew, while nobody can read or write it.',
    remedy:
      'Add a new column without a default, or with a constant one, fill it in portions, and drop the old column in a later file.',
  },
  INDEX_BLOCKS_WRITES: {
    message: 'Nobody can write to the table of $ while the index is built.',
    remedy: 'Use CREATE INDEX CONCURRENTLY in a file of its own with the first line "-- transaction: none".',
  },
  NOT_NULL_SCANS: {
    message: 'PostgreSQL reads the whole table of $ while nobody can read or write it.',
    remedy:
      'Before it, add CHECK (… IS NOT NULL) NOT VALID in one file and VALIDATE CONSTRAINT in the next one; SET NOT NULL then needs no look at the rows.',
  },
  NOT_NULL_WITHOUT_VALUE: {
    message: '$ has no value for rows that exist, so the statement fails in every tenant with rows.',
    remedy:
      'Give it a constant DEFAULT, or add it without NOT NULL, fill it and set NOT NULL in a later file.',
  },
  CHECK_SCANS: {
    message: 'PostgreSQL reads the whole table of $ while nobody can read or write it.',
    remedy: 'Add the constraint with NOT VALID, and run VALIDATE CONSTRAINT in the next file.',
  },
  FOREIGN_KEY_SCANS: {
    message: 'PostgreSQL compares all rows for $ while nobody can write to either table.',
    remedy: 'Add the constraint with NOT VALID, and run VALIDATE CONSTRAINT in the next file.',
  },
  UNIQUE_BLOCKS_WRITES: {
    message: 'Nobody can read or write the table of $ while its index is built.',
    remedy:
      'Build the index with CREATE UNIQUE INDEX CONCURRENTLY in a file of its own, and then ADD CONSTRAINT … USING INDEX.',
  },
  VALIDATED_UNDER_LOCK: {
    message:
      'The file adds $ and validates it in one transaction, so that the lock of the first statement stays while all rows are read.',
    remedy: 'Move VALIDATE CONSTRAINT to the next file.',
  },
  COLUMN_DROPPED: {
    message: '$ is dropped; a version of the service that still reads it fails, and the data is lost.',
    remedy: 'Deploy a version that does not name the column everywhere before this file runs.',
  },
  TABLE_DROPPED: {
    message: '$ is dropped; a version of the service that still uses it fails, and what it holds is lost.',
    remedy: 'Deploy a version that does not use it everywhere before this file runs.',
  },
  RENAMED: {
    message: '$ gets another name; versions of the service before and after the rename fail in turn.',
    remedy:
      'Add the new name beside the old one, as a column or a view, and drop the old one in a later file.',
  },
  ROWS_DROPPED: {
    message: 'All rows of $ are removed, while nobody can read or write it.',
    remedy: 'Check that no tenant needs them; DELETE in portions keeps no service waiting.',
  },
  WHOLE_TABLE_WRITTEN: {
    message:
      'Every row of $ is written in one transaction, which grows the table, and sessions that change the same rows wait for its end.',
    remedy: 'Limit the rows with WHERE, or let the service change them in portions.',
  },
  TABLE_LOCKED: {
    message: 'Nobody can write to $, or not even read it, until the transaction of the file ends.',
    remedy:
      'Use the form with CONCURRENTLY, or a plain VACUUM, in a file of its own with the first line "-- transaction: none".',
  },
  TRIGGER_BLOCKS_WRITES: {
    message: 'The statement waits for all writers of $, and new ones wait behind it.',
    remedy: 'Keep the file short: other statements of it go into a file of their own.',
  },
  ATTACHED_PARTITION_SCANNED: {
    message:
      'PostgreSQL reads the whole new partition of $, and the default partition, while they are locked.',
    remedy: 'Before it, give the table a validated CHECK that implies the bounds of the partition.',
  },
  DETACHED_UNDER_LOCK: {
    message: 'Nobody can read or write $ while the partition is detached.',
    remedy:
      'Use DETACH PARTITION … CONCURRENTLY in a file of its own with the first line "-- transaction: none".',
  },
  VALUE_NOT_USABLE: {
    message:
      'No statement of the same transaction can use the new value of $, and a new tenant runs all files in one transaction.',
    remedy: 'Put the statement into a file of its own with the first line "-- transaction: none".',
  },
  EFFECT_UNKNOWN: {
    message: 'The locks and the duration of $ depend on code that the plan does not look into.',
    remedy: 'Write the statements themselves where that is possible.',
  },
} as const;

export type RiskCode = keyof typeof riskTexts;
