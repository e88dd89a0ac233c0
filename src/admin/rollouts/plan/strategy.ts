import type { RolloutStrategyInput } from '../../generated/graphql.js';

/** The fields of the form, as typed. */
export interface StrategyForm {
  canaryKind: 'none' | 'tenants' | 'percent' | 'named';
  canary: string;
  pauseAfterCanary: boolean;
  waves: string;
  parallelism: string;
  budgetKind: 'count' | 'percent';
  budget: string;
  lockTimeoutMs: string;
  statementTimeoutMs: string;
}

export const usualStrategy: StrategyForm = {
  canaryKind: 'none',
  canary: '',
  pauseAfterCanary: true,
  waves: '1',
  parallelism: '4',
  budgetKind: 'count',
  budget: '0',
  lockTimeoutMs: '2000',
  statementTimeoutMs: '600000',
};

/** The strategy as the mutation takes it, or the reason why a field is not a number. The gateway checks the rest. */
export function toStrategy(form: StrategyForm): { strategy: RolloutStrategyInput } | { problem: string } {
  const problems: string[] = [];
  const number = (text: string, name: string) => {
    const value = Number(text);
    // The largest Int of GraphQL.
    if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > 2_147_483_647)
      problems.push(`${name} must be a whole number`);
    return value;
  };
  const names = form.canary.split(/[\s,]+/).filter(Boolean);
  if (form.canaryKind === 'named' && names.length === 0) problems.push('The canary names no tenant');
  const canary =
    form.canaryKind === 'none'
      ? undefined
      : form.canaryKind === 'named'
        ? { tenantIds: names }
        : { [form.canaryKind]: number(form.canary, 'The size of the canary') };
  const strategy: RolloutStrategyInput = {
    ...(canary && { canary, pauseAfterCanary: form.pauseAfterCanary }),
    waves: number(form.waves, 'Waves'),
    parallelism: number(form.parallelism, 'Parallelism'),
    errorBudget: { [form.budgetKind]: number(form.budget, 'The error budget') },
    lockTimeoutMs: number(form.lockTimeoutMs, 'The timeout of locks'),
    statementTimeoutMs: number(form.statementTimeoutMs, 'The timeout of statements'),
  };
  return problems.length > 0 ? { problem: `${problems.join('; ')}.` } : { strategy };
}
