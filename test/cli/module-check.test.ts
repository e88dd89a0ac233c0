import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aModuleFolder } from '../provisioning/support/module-folder.js';
import { runHere } from '../setup/command-line.js';

const check = (...args: string[]) => runHere(['module', 'check', ...args], {});

test('module check names file, line, problem and way out, and ends with 1, without a database', async () => {
  const modulesDir = await aModuleFolder({
    '0001_right.sql': 'CREATE TABLE t (a int);',
    '0002_wrong.sql': 'CREATE TABLE u (a int);\nCREATE TABLE public.v (a int);',
  });
  await writeFile(join(modulesDir, '_every', '0002_more.sql'), 'COMMIT');
  const { code, stdout, stderr } = await check(join(modulesDir, 'crm'));
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^_every\/0002_more\.sql:1: COMMIT controls/);
  expect(lines[2]).toMatch(/^crm\/0002_wrong\.sql:2: public\.v names schema public/);
  expect(lines[3]).toMatch(/^ {2}Write the name without a schema/);
  expect(lines.at(-1)).toBe('2 problems.');

  const { stdout: json, code: jsonCode } = await check(join(modulesDir, 'crm'), '--json');
  expect(jsonCode).toBe(1);
  expect(JSON.parse(json)).toMatchObject({
    files: ['crm/0001_right.sql', 'crm/0002_wrong.sql'],
    problems: [
      { file: '_every/0002_more.sql' },
      { file: 'crm/0002_wrong.sql', line: 2, code: 'OTHER_SCHEMA' },
    ],
  });
});

test('module check says that right files are right', async () => {
  const modulesDir = await aModuleFolder({ '0001_right.sql': 'CREATE TABLE t (a int);' });
  expect(await check(join(modulesDir, 'crm'))).toEqual({ code: 0, stdout: '1 file is right.\n', stderr: '' });
  expect(JSON.parse((await check(join(modulesDir, 'crm'), '--json')).stdout)).toEqual({
    ...{ files: ['crm/0001_right.sql'], problems: [] },
  });
});

test('module check refuses a path that is no folder', async () => {
  const { code, stderr } = await check('/nowhere/crm');
  expect(code).toBe(1);
  expect(stderr).toContain('/nowhere/crm is not a folder');
});

test('module check refuses a folder without SQL files, such as that of all modules', async () => {
  const modulesDir = await aModuleFolder({ '0001_right.sql': 'CREATE TABLE t (a int);' });
  for (const args of [[modulesDir], [modulesDir, '--json']]) {
    const { code, stdout, stderr } = await check(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('has no SQL files: name the folder of one module');
  }
});
