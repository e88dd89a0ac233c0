import { useState } from 'react';
import type { Plan, ProvisionTenantInput } from '../../generated/graphql.js';

/** What was typed into the wizard. */
export interface Draft {
  name: string;
  /** Undefined: the one derived from the name. */
  ownSlug: string | undefined;
  /** The slug that the registry derives from the name. */
  suggestedSlug: string;
  modules: readonly string[];
  plan: Plan;
  shortName: string;
  primaryEmail: string;
  timezone: string;
  currency: string;
  companyName: string;
  supportEmail: string;
  website: string;
  internalNote: string;
  adminEmail: string;
  adminFullName: string;
}

const emptyDraft: Draft = {
  name: '',
  ownSlug: undefined,
  suggestedSlug: '',
  modules: [],
  plan: 'LITE',
  shortName: '',
  primaryEmail: '',
  timezone: '',
  currency: '',
  companyName: '',
  supportEmail: '',
  website: '',
  internalNote: '',
  adminEmail: '',
  adminFullName: '',
};

/** Kept in the memory of the page, so that another screen can be visited in between. */
let kept = emptyDraft;

export type ChangeDraft = (part: Partial<Draft>) => void;

/** After the tenant is there: the next visit of the wizard starts empty. */
export function forgetDraft(): void {
  kept = emptyDraft;
}

export function useDraft(): [Draft, ChangeDraft, () => void] {
  const [draft, setDraft] = useState(kept);
  const change = (part: Partial<Draft>) => {
    kept = { ...kept, ...part };
    setDraft(kept);
  };
  return [draft, change, () => change(emptyDraft)];
}

export function isEmptyDraft(draft: Draft): boolean {
  return JSON.stringify(draft) === JSON.stringify(emptyDraft);
}

export function slugOf({ ownSlug, suggestedSlug }: Draft): string {
  return ownSlug ?? suggestedSlug;
}

/** The input of provisionTenant; without modules and with or without an admin also that of registerTenant. */
export function inputOf(draft: Draft): ProvisionTenantInput {
  const { name, modules, plan } = draft;
  const given = (text: string) => text.trim() || undefined;
  const settings = {
    companyName: given(draft.companyName),
    supportEmail: given(draft.supportEmail),
    website: given(draft.website),
  };
  return {
    name: name.trim(),
    slug: given(slugOf(draft)),
    modules: [...modules],
    plan,
    shortName: given(draft.shortName),
    primaryEmail: given(draft.primaryEmail),
    timezone: given(draft.timezone),
    currency: given(draft.currency)?.toUpperCase(),
    // The registry refuses several lines.
    internalNote: given(draft.internalNote.replaceAll(/\s*\n/g, ' ')),
    settings: Object.values(settings).some((value) => value !== undefined) ? settings : undefined,
    adminEmail: draft.adminEmail.trim(),
    adminFullName: given(draft.adminFullName),
  };
}
