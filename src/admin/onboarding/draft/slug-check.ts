import { useDebouncedValue } from '@mantine/hooks';
import { useEffect } from 'react';
import { useScreen } from '../../api/queries.js';
import { SlugCheckDocument, SlugForNameDocument } from '../../generated/graphql.js';
import { useRights } from '../../session/rights.js';
import { type ChangeDraft, type Draft, slugOf } from './draft.js';

const pauseMs = 200;

/** State of the slug: whether it can be had, and why not. */
export interface SlugCheck {
  state: 'empty' | 'asking' | 'available' | 'reusable' | 'refused' | 'unknown';
  text: string;
}

/** Derives the slug from the name as one types, and asks whether it is free. */
export function useSlugCheck(draft: Draft, change: ChangeDraft): SlugCheck {
  const { may } = useRights();
  const canAsk = may('readRegistry');
  const [name] = useDebouncedValue(draft.name.trim(), pauseMs);
  const suggestion = useScreen(
    SlugForNameDocument,
    { name },
    { isEnabled: canAsk && name !== '' && draft.ownSlug === undefined },
  );
  const suggested = suggestion.data?.slugSuggestion.slug ?? '';
  // The change function is a new one for each render.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same
  useEffect(() => {
    if (suggested !== draft.suggestedSlug && !suggestion.isPending) change({ suggestedSlug: suggested });
  }, [suggested, suggestion.isPending]);

  const slug = slugOf(draft).trim();
  const [asked] = useDebouncedValue(slug, pauseMs);
  const check = useScreen(
    SlugCheckDocument,
    { slug: asked, name: asked },
    { isEnabled: canAsk && asked !== '' },
  );

  if (!canAsk)
    return { state: 'unknown', text: 'Whether it is free shows at the end: that needs registry:read.' };
  if (draft.ownSlug === undefined) {
    if (draft.name.trim() === '') return { state: 'empty', text: 'Derived from the name.' };
    if (suggestion.error)
      return { state: 'refused', text: suggestion.error.fields[0]?.message ?? suggestion.error.message };
    if (name !== draft.name.trim() || suggestion.isPending) return { state: 'asking', text: 'Asking…' };
  } else if (slug === '')
    return { state: 'refused', text: 'Type a slug, or use the one derived from the name.' };
  if (check.error) return { state: 'refused', text: check.error.fields[0]?.message ?? check.error.message };
  if (asked !== slug || !check.data) return { state: 'asking', text: 'Asking…' };

  const { tenant, slugSuggestion } = check.data;
  if (tenant?.status === 'FAILED' && tenant.slug === slug)
    return {
      state: 'reusable',
      text: `A failed attempt of “${tenant.name}” has it; with modules, it starts again under it.`,
    };
  if (tenant) return { state: 'refused', text: `Taken by “${tenant.name}”; choose another.` };
  if (slugSuggestion.slug === slug && !slugSuggestion.isAvailable)
    return { state: 'refused', text: 'Reserved by another tenant; choose another.' };
  // Underscores are allowed in slugs, and are never derived.
  if (slugSuggestion.slug !== slug.replaceAll('_', '-'))
    return {
      state: 'refused',
      text: 'Use lower-case letters and digits, in words joined by single - or _, and start with a letter.',
    };
  return { state: 'available', text: 'Available.' };
}
