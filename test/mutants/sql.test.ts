import { describe, expect, test } from 'vitest';
import { applyMutation } from '../../bench/mutants/mutation.js';
import { mutateSql } from '../../bench/mutants/sql.js';

describe('mutants of SQL', () => {
  test.each([
    [
      'CREATE TABLE a (b text NOT NULL UNIQUE)',
      ['CREATE TABLE a (b text  UNIQUE)', 'CREATE TABLE a (b text NOT NULL )'],
    ],
    [
      'CREATE TABLE a (b int CHECK (b > 5))',
      [
        'CREATE TABLE a (b int CHECK (true))',
        'CREATE TABLE a (b int CHECK (b >= 5))',
        'CREATE TABLE a (b int CHECK (b > 6))',
      ],
    ],
    [
      'CREATE TABLE a (b int REFERENCES c (d) ON DELETE CASCADE)',
      ['CREATE TABLE a (b int )', 'CREATE TABLE a (b int REFERENCES c (d) ON DELETE RESTRICT)'],
    ],
    [
      'CREATE TABLE a (FOREIGN KEY (b) REFERENCES c (b), UNIQUE (b))',
      [
        'CREATE TABLE a (CHECK (true), UNIQUE (b))',
        'CREATE TABLE a (FOREIGN KEY (b) REFERENCES c (b), CHECK (true))',
      ],
    ],
    ['CREATE UNIQUE INDEX a ON b (c)', ['CREATE  INDEX a ON b (c)']],
    [
      'CREATE TRIGGER a BEFORE INSERT OR UPDATE ON b EXECUTE FUNCTION c()',
      ['', 'CREATE TRIGGER a BEFORE  UPDATE ON b EXECUTE FUNCTION c()'],
    ],
    ['GRANT SELECT ON a TO b', ['']],
    ['SELECT a - b', ['SELECT a + b']],
    ['SELECT -a', ['SELECT a']],
    ['SELECT * FROM a FOR UPDATE', ['SELECT * FROM a ']],
    ["SELECT interval '30 days'", ["SELECT interval '31 days'"]],
    ["SELECT a IN ('b', 'c')", ["SELECT a IN ( 'c')", "SELECT a IN ('b')"]],
    ['SELECT a FROM b WHERE c', ['SELECT a FROM b WHERE (NOT (c))', 'SELECT a FROM b WHERE true']],
  ])('%s', (source, expected) => {
    expect(changed(source)).toEqual(expected);
  });

  test('in bodies, guards are dropped and statements become NULL', () => {
    const body = (inside: string) => `CREATE FUNCTION a() RETURNS trigger AS $$\nBEGIN\n${inside}\nEND\n$$;`;
    expect(changed(body(`IF a IS NULL THEN RAISE EXCEPTION 'b'; END IF; NEW.c := d;`))).toEqual(
      [
        `IF (NOT (a IS NULL)) THEN RAISE EXCEPTION 'b'; END IF; NEW.c := d;`,
        `IF (false AND (a IS NULL)) THEN RAISE EXCEPTION 'b'; END IF; NEW.c := d;`,
        `IF a IS NOT NULL THEN RAISE EXCEPTION 'b'; END IF; NEW.c := d;`,
        `IF a IS NULL THEN NULL; END IF; NEW.c := d;`,
        `IF a IS NULL THEN RAISE EXCEPTION 'b'; END IF; NULL;`,
      ].map(body),
    );
  });

  test.each([
    `COMMENT ON TABLE a IS 'more than 1';`,
    'CREATE INDEX a ON b (c) WHERE d > 1;',
    '-- CHECK (a > 1)',
    'SELECT a ~ $re$b[0-9]{6}$re$;',
    'DROP TABLE IF EXISTS a;',
  ])('none of comments, patterns and what only makes it fast: %s', (source) => {
    expect(changed(source)).toEqual([]);
  });
});

function changed(source: string): string[] {
  return mutateSql(source).map((mutation) => applyMutation(source, mutation));
}
