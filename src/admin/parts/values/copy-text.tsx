import { ActionIcon, Code, CopyButton, Group } from '@mantine/core';

/** A text that people take elsewhere, such as an id, with a button that copies it. */
export function CopyText({ value, label }: { value: string; label: string }) {
  return (
    <Group gap={4} wrap="nowrap" className="copy-text">
      <Code dir="auto">{value}</Code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <ActionIcon
            variant="subtle"
            size="sm"
            onClick={copy}
            aria-label={copied ? `${label} copied` : `Copy ${label}`}
            title={copied ? 'Copied' : `Copy ${label}`}
          >
            {copied ? '✓' : <CopyIcon />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  );
}

function CopyIcon() {
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" fill="none" stroke="currentColor" aria-hidden="true">
      <rect x="4.5" y="4.5" width="8" height="8" rx="1.5" />
      <path d="M2.5 9.5h-1v-8h8v1" />
    </svg>
  );
}
