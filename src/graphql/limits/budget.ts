import type { Caller } from '../../auth/caller.js';
import { type CostEstimate, costOf } from './cost-estimate.js';
import { tooComplex } from './document-limits.js';

/** The highest estimated cost of one operation, by what the caller may do. */
export interface Budgets {
  /** For callers with resolve scopes only, and for members without scopes. */
  resolve: number;
  /** For callers with any other scope. */
  read: number;
}

/** Throws QUERY_TOO_COMPLEX, with the cost and the budget, for an operation beyond the budget of its caller. */
export function requireBudget(
  budgets: Budgets,
  caller: Caller,
  estimate: CostEstimate,
  variables: Readonly<Record<string, unknown>> | undefined,
): void {
  const isSmall = estimate.products.length === 0 && estimate.fixed <= Math.min(budgets.resolve, budgets.read);
  if (isSmall) return;
  const cost = Math.ceil(costOf(estimate, variables ?? {}));
  const budget = onlyResolves(caller) ? budgets.resolve : budgets.read;
  if (cost <= budget) return;
  throw tooComplex(
    `The operation has an estimated cost of ${cost}, and the budget of this caller is ${budget}`,
    'ask for smaller pages (first) or fewer nested lists',
  );
}

function onlyResolves({ scopes }: Caller): boolean {
  for (const scope of scopes) if (!scope.startsWith('resolve:') && scope !== 'documents:any') return false;
  return true;
}
