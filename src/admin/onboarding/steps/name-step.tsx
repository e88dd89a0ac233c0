import { Button, Text, TextInput } from '@mantine/core';
import { slugOf } from '../draft/draft.js';
import { useSlugCheck } from '../draft/slug-check.js';
import { StepForm } from './step-form.js';
import type { StepProps } from './steps.js';

export function NameStep({ draft, change, fieldErrors, onNext }: StepProps) {
  const check = useSlugCheck(draft, change);
  const isFree = ['available', 'reusable', 'unknown'].includes(check.state);
  const slug = slugOf(draft);
  return (
    <StepForm title="Name" onNext={onNext} isReady={draft.name.trim() !== '' && isFree}>
      <TextInput
        label="Name"
        description="As people read it. It can be changed later."
        value={draft.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={fieldErrors.name}
        maxLength={200}
        required
        dir="auto"
        autoComplete="off"
      />
      <div>
        <TextInput
          label="Slug"
          description="In URLs and in the names of schemas. It never changes."
          value={slug}
          onChange={(event) => change({ ownSlug: event.currentTarget.value })}
          error={fieldErrors.slug ?? (check.state === 'refused' ? check.text : undefined)}
          maxLength={40}
          autoComplete="off"
          spellCheck={false}
        />
        <Text
          size="sm"
          mt={4}
          role="status"
          c={check.state === 'available' ? undefined : 'dimmed'}
          dir="auto"
          className="wrap"
        >
          {check.state === 'available' && <span aria-hidden>✓ </span>}
          {check.state === 'refused' ? '' : check.text}
        </Text>
        {draft.ownSlug !== undefined && (
          <Button variant="subtle" size="compact-sm" mt={4} onClick={() => change({ ownSlug: undefined })}>
            Derive it from the name
          </Button>
        )}
      </div>
    </StepForm>
  );
}
