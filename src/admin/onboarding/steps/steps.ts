import type { ChangeDraft, Draft } from '../draft/draft.js';

export interface StepProps {
  draft: Draft;
  change: ChangeDraft;
  /** Refusals of the last attempt by field: "settings.website". */
  fieldErrors: Readonly<Record<string, string>>;
  onNext: () => void;
  onBack: () => void;
}

export const steps = [
  { id: 'name', label: 'Name' },
  { id: 'modules', label: 'Modules' },
  { id: 'plan', label: 'Plan' },
  { id: 'profile', label: 'Profile' },
  { id: 'admin', label: 'First admin' },
  { id: 'review', label: 'Review' },
] as const;

export type StepId = (typeof steps)[number]['id'];

const stepByField: Record<string, StepId> = {
  ...{ name: 'name', slug: 'name', modules: 'modules', plan: 'plan' },
  ...{ adminEmail: 'admin', adminFullName: 'admin' },
};

/** The step on which a field of the input is typed. */
export function stepOf(field: string): StepId {
  return stepByField[field.replace(/[.[].*$/, '')] ?? 'profile';
}
