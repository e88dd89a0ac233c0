import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type Results, readResults } from './results.js';
import { root } from './sources.js';

export interface Options {
  results: Results;
  /** Where the results are written after each mutant. */
  file: string;
  list: boolean;
  help: boolean;
  againstAll: boolean;
  jobs: number;
  nearest: number;
  twice: boolean;
  timeoutMs: number;
}

export const usage = `npm run mutants -- [options]

  --sample <n>      mutants to try (default 60)
  --seed <n>        draws the sample (default: another one each time; it is printed)
  --only <glob>     files to draw from, as in 'src/feed/**' or 'modules/**'
  --list            print the sample and try nothing
  --resume <file>   go on with the results in this file, with its seed, sample and glob
  --nearest <n>     test files to run for each mutant (default 14)
  --jobs <n>        mutants tried at once (default 1: the tests themselves use several processes)
  --timeout <s>     for the tests of one mutant (default 300); what takes longer counts as killed
  --twice           a mutant is killed only when the test that failed fails a second time
  --also-survivors-against-all
                    try the survivors once more, with every test
`;

export function readOptions(args: string[]): Options {
  const number = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      sample: { ...number, default: '60' },
      seed: number,
      only: { type: 'string', default: '**' },
      help: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      resume: { type: 'string' },
      nearest: { ...number, default: '14' },
      jobs: { ...number, default: '1' },
      timeout: { ...number, default: '300' },
      twice: { type: 'boolean', default: false },
      'also-survivors-against-all': { type: 'boolean', default: false },
    },
  });
  const read = (name: 'sample' | 'seed' | 'nearest' | 'jobs' | 'timeout', text: string) => {
    if (!/^\d+$/.test(text)) throw new Error(`--${name} must be a whole number, not "${text}"`);
    return Number(text);
  };
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : read('seed', values.seed);
  const fresh = {
    seed,
    sample: read('sample', values.sample),
    only: values.only,
    ids: [],
    results: [],
    timesMs: {},
  };
  const resumed = values.resume === undefined ? undefined : readResults(values.resume);
  if (values.resume !== undefined && !resumed) throw new Error(`${values.resume} does not exist`);
  return {
    results: resumed ?? fresh,
    file: values.resume ?? join(relative(process.cwd(), root), `.data/mutants/${seed}-${Date.now()}.json`),
    list: values.list,
    help: values.help,
    againstAll: values['also-survivors-against-all'],
    twice: values.twice,
    jobs: Math.max(1, read('jobs', values.jobs)),
    nearest: read('nearest', values.nearest),
    timeoutMs: read('timeout', values.timeout) * 1_000,
  };
}
