import { TenantRegistryError, type TenantRegistryErrorCode } from '../error.js';

interface Service {
  module: string;
  apiKey: string | undefined;
}

type Explain = (service: Service, message: string) => string;

/** The message and the way out for each mistake in the options of this client. No message contains the key. */
const explanations: Partial<Record<TenantRegistryErrorCode, Explain>> = {
  UNAUTHENTICATED: ({ apiKey, module }, message) =>
    apiKey === undefined
      ? `The registry requires an API key, and the option apiKey is not set: ${createKey([resolving(module)])}`
      : // The rest of the message is for callers who write the header themselves.
        `The registry rejects the key in the option apiKey (${message.split(': send ')[0]}): check the variable it is read from, or ${createKey([resolving(module)])}`,
  FORBIDDEN: ({ module }, message) => {
    const missing = /scope (\S+:\S+)$/.exec(message)?.[1] ?? resolving(module);
    const correct = missing === resolving(module) ? `correct the option module ("${module}"), or ` : '';
    return `The key in the option apiKey lacks a scope (${message}): ${correct}${createKey([...new Set([resolving(module), missing])])}`;
  },
  MODULE_NOT_FOUND: ({ module }) =>
    `The registry has no module "${module}": correct the option module ("npx tenant-registry module list" shows the names) or add the module`,
};

function resolving(module: string): string {
  return `resolve:${module}`;
}

function createKey(scopes: readonly string[]): string {
  return `create a key with "npx tenant-registry keys create --name <service> --scopes ${scopes.join(',')}" and give it to createTenantRegistry as apiKey`;
}

/** Whether the error is a mistake in the options of this client, which no retry mends. */
export function isOwnFault(error: unknown): error is TenantRegistryError {
  return error instanceof TenantRegistryError && explanations[error.code] !== undefined;
}

/** Returns the error with a message that says what to do. */
export function explainOwnFault(error: TenantRegistryError, service: Service): TenantRegistryError {
  const message = explanations[error.code]?.(service, error.message);
  return message === undefined ? error : new TenantRegistryError(error.code, message, { cause: error });
}
