/** Searching, filtering, ordering and paging in the list of tenants, each beside the same document sent by fetch from the same page. */
import type { Page } from 'playwright-core';
import { medianOf } from '../compare/summary.js';
import { lastVariables, timeDirectly, timePage } from './meter.js';
import type { Tab } from './tab.js';

/** The pause after the last key, in src/admin/parts/lists/search-box.tsx. */
const debounceMs = 150;

export interface ListFigure {
  name: string;
  rounds: number;
  /** Medians. */
  apiMs: number;
  /** From the moment at which the request is due until the rows are painted. */
  pageMs: number;
  /** The same from the key press or click; longer than pageMs by the pause of the search. */
  fromInputMs: number;
  untilSentMs: number;
}

interface Question {
  name: string;
  /** The list where it begins. */
  at: string;
  act: (page: Page) => Promise<unknown>;
  /** The request is due this long after the key press. */
  dueAfterMs?: number;
}

function questionsFor(tenants: number): Question[] {
  const slug = (n: number) => `tenant-${String(n).padStart(8, '0')}`;
  const type = (text: string) => async (page: Page) => {
    await page.getByLabel('Search', { exact: true }).focus();
    await page.keyboard.type(text);
  };
  const search = (name: string, text: string): Question => ({
    ...{ name: `search, ${name}`, at: '/tenants?sort=-UPDATED_AT', act: type(text), dueAfterMs: debounceMs },
  });
  const sort = (title: string, at: string): Question => ({
    name: `order by ${title.toLowerCase()}, ${at.includes('sort') ? 'descending' : 'ascending'}`,
    at,
    act: (page) => page.getByRole('button', { name: title }).click(),
  });
  const filter = (name: string, list: string, option: string): Question => ({
    name: `filter, ${name}`,
    at: '/tenants?sort=-UPDATED_AT',
    async act(page) {
      await page.getByRole('combobox', { name: list }).click();
      await page.getByRole('option', { name: option, exact: true }).click();
    },
  });
  return [
    search('a slug of one', slug(Math.floor(tenants / 2))),
    search('the beginning of slugs', slug(Math.floor(tenants / 2)).slice(0, -2)),
    search('a part of names', 'abc1'),
    search('a text of all', 'company'),
    sort('Name', '/tenants'),
    sort('Name', '/tenants?sort=NAME'),
    sort('Created', '/tenants?sort=CREATED_AT'),
    sort('Plan', '/tenants'),
    filter('suspended', 'Status', 'suspended'),
    filter('active', 'Status', 'active'),
    filter('enterprise', 'Plan', 'enterprise'),
    {
      name: 'filter, of finance',
      at: '/tenants?sort=-UPDATED_AT',
      act: (page) => page.getByLabel('Module').selectOption('finance'),
    },
  ];
}

/** Each question in each round, directly before or after the same by fetch. */
export async function measureLists(
  { page, goTo }: Tab,
  { tenants, rounds }: { tenants: number; rounds: number },
): Promise<ListFigure[]> {
  const questions = questionsFor(tenants);
  const known = new Map<string, { variables: Record<string, unknown>; slugs: string[] }>();
  const times = new Map(questions.map(({ name }) => [name, newTimes()]));
  // The first round warms up and tells the variables.
  for (let round = 0; round <= rounds; round++)
    for (const { name, at, act, dueAfterMs = 0 } of questions) {
      await goTo(at);
      const before = known.get(name);
      const isDirectFirst = round % 2 === 0;
      const ask = async () => before && (await timeDirectly(page, before.variables));
      const earlier = isDirectFirst ? await ask() : undefined;
      const own = await timePage(page, () => act(page), { slugs: before?.slugs }).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
      const direct = earlier ?? (await ask());
      if (!direct || !before) {
        const variables = await lastVariables(page);
        const { slugs } = await timeDirectly(page, variables);
        known.set(name, { variables, slugs });
        continue;
      }
      compare(name, own.slugs, direct.slugs);
      times.get(name)?.add(direct.ms, own.fromInputMs, own.untilSentMs, dueAfterMs);
    }
  return [...times].map(([name, one]) => one.figure(name));
}

/** "Next", page by page. In every other round the direct request comes first. */
export async function measurePaging(
  { page, goTo }: Tab,
  { rounds, at, name }: { rounds: number; at: string; name: string },
): Promise<ListFigure> {
  await goTo(at);
  const times = newTimes();
  const { after: _, ...variables } = await lastVariables(page);
  let { endCursor } = await timeDirectly(page, variables);
  const next = () => page.getByRole('button', { name: 'Next' }).click();
  for (let round = 0; round <= rounds; round++) {
    const ask = async () => await timeDirectly(page, { ...variables, after: endCursor });
    const earlier = round % 2 === 0 ? await ask() : undefined;
    const own = await timePage(page, next, { slugs: earlier?.slugs });
    const direct = earlier ?? (await ask());
    compare(name, own.slugs, direct.slugs);
    ({ endCursor } = direct);
    if (round > 0) times.add(direct.ms, own.fromInputMs, own.untilSentMs, 0);
  }
  return times.figure(name);
}

function compare(name: string, shown: readonly string[], expected: readonly string[]): void {
  if (shown.join() !== expected.join())
    throw new Error(`${name}: the page shows ${shown.slice(0, 3)}, the API answers ${expected.slice(0, 3)}`);
}

function newTimes() {
  const [api, page, input, sent]: [number[], number[], number[], number[]] = [[], [], [], []];
  return {
    add(apiMs: number, fromInputMs: number, untilSentMs: number, dueAfterMs: number) {
      api.push(apiMs);
      page.push(fromInputMs - dueAfterMs);
      input.push(fromInputMs);
      sent.push(untilSentMs);
    },
    figure: (name: string): ListFigure => ({
      ...{ name, rounds: api.length, apiMs: medianOf(api), pageMs: medianOf(page) },
      ...{ fromInputMs: medianOf(input), untilSentMs: medianOf(sent) },
    }),
  };
}
