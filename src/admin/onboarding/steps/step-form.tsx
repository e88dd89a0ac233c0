import { Button, Group, Stack, Title } from '@mantine/core';
import { type FormEvent, type ReactNode, useEffect, useRef } from 'react';

interface StepFormProps {
  title: string;
  children: ReactNode;
  onNext: () => void;
  onBack?: (() => void) | undefined;
  isReady?: boolean;
  /** Stands in place of "Next". */
  submit?: ReactNode;
}

/** A step of the wizard. Enter leads to the next one; the first field has the focus. */
export function StepForm({ title, children, onNext, onBack, isReady = true, submit }: StepFormProps) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const find = (selector: string) => form.current?.querySelector<HTMLElement>(selector);
    (
      find('input[type="radio"]:checked') ??
      find('input:enabled, textarea') ??
      find('button[type="submit"]')
    )?.focus();
  }, []);
  const next = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) onNext();
  };
  return (
    <form ref={form} onSubmit={next} noValidate>
      <Stack maw={640}>
        <Title order={2} size="h3">
          {title}
        </Title>
        {children}
        <Group justify="space-between" mt="sm">
          {onBack ? (
            <Button variant="default" onClick={onBack}>
              Back
            </Button>
          ) : (
            <span />
          )}
          {submit ?? (
            <Button type="submit" disabled={!isReady}>
              Next
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}
