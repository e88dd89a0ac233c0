import { Alert, Button, Code, Group, List, Text } from '@mantine/core';
import { asApiError } from '../../api/api-error.js';

/** A failure with its code, reason and remedy. */
export function ErrorCard({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (!error) return null;
  const { code, message, remedy, fields, requestId } = asApiError(error);
  return (
    <Alert color="red" role="alert" title={<span className="error-code">{code}</span>}>
      <Text size="sm" fw={600} dir="auto">
        {message}
      </Text>
      {fields.length > 0 && (
        <List size="sm" mt="xs">
          {fields.map((one) => (
            <List.Item key={`${one.field} ${one.message}`}>
              <Code>{one.field}</Code> {one.message}
            </List.Item>
          ))}
        </List>
      )}
      <Text size="sm" mt="xs">
        {remedy}
      </Text>
      {(onRetry || requestId) && (
        <Group mt="sm" justify="space-between">
          {onRetry && (
            <Button size="xs" variant="default" onClick={onRetry}>
              Try again
            </Button>
          )}
          {requestId && (
            <Text size="xs">
              Request id <Code>{requestId}</Code>
            </Text>
          )}
        </Group>
      )}
    </Alert>
  );
}
