import { Group, Tooltip } from '@mantine/core';
import { scopeText } from './scope-texts.js';

/** Scopes by name, each with its meaning as a hint. */
export function Scopes({ scopes }: { scopes: readonly string[] }) {
  return (
    <Group gap={4}>
      {scopes.map((scope) => (
        <Tooltip
          key={scope}
          label={scopeText(scope)}
          multiline
          maw={280}
          events={{ hover: true, focus: true, touch: true }}
        >
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: its hint must be reachable by keyboard */}
          <span className="status status-quiet" tabIndex={0}>
            {scope}
          </span>
        </Tooltip>
      ))}
    </Group>
  );
}
