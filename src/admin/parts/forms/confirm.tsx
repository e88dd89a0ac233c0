import { Button, Code, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { ErrorCard } from '../notices/error-card.js';

interface ConfirmProps {
  isOpen: boolean;
  title: string;
  /** What will happen, and further fields. */
  children: ReactNode;
  /** A text to type, such as the slug of the tenant that will be gone; undefined: a click is enough. */
  typed?: string;
  /** "Suspend" */
  verb: string;
  isDangerous?: boolean;
  /** The mutation that it confirms. */
  change: { isPending: boolean; error: unknown; reset: () => void };
  /** The fields are complete. */
  isReady?: boolean;
  size?: 'md' | 'lg' | 'xl';
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before a change. A refusal stays in it, beside what was typed. */
export function Confirm(props: ConfirmProps) {
  const { isOpen, title, children, typed, verb, isDangerous, isReady = true } = props;
  const { isPending, error, reset } = props.change;
  const [text, setText] = useState('');
  // The next try begins without the text, the refusal and the wait of the one before.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each time that it opens or closes
  useEffect(() => {
    setText('');
    reset();
  }, [isOpen, reset]);
  // Mantine gives the focus back when a dialog closes, not when it is taken away open.
  useEffect(() => {
    if (!isOpen) return;
    const opener = document.activeElement;
    return () => {
      if (opener instanceof HTMLElement) opener.focus({ preventScroll: true });
    };
  }, [isOpen]);
  const isConfirmed = typed === undefined || text === typed;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isConfirmed && isReady && !isPending) props.onConfirm();
  };
  return (
    <Modal
      size={props.size ?? 'md'}
      opened={isOpen}
      onClose={props.onClose}
      title={title}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={submit}>
        <Stack>
          <Text component="div" size="sm">
            {children}
          </Text>
          {typed !== undefined && (
            <TextInput
              label={
                <>
                  Type <Code>{typed}</Code> to confirm
                </>
              }
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
            />
          )}
          <ErrorCard error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              Cancel
            </Button>
            <Button
              type="submit"
              color={isDangerous ? 'red' : undefined}
              loading={isPending}
              disabled={!isConfirmed || !isReady}
            >
              {verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
