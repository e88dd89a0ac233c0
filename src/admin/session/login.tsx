import { Alert, Button, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { type ApiError, asApiError } from '../api/api-error.js';
import { queryClient } from '../api/queries.js';
import { request } from '../api/request.js';
import { ViewerDocument, type ViewerQuery } from '../generated/graphql.js';
import { logInByProvider } from './oidc.js';
import { pageConfig } from './page-config.js';
import { logIn, useSession } from './session.js';

/** Whoever has logged in sees what that login may read. Forms stay as they are: it is mostly the same person with a new key. */
async function readAgain(): Promise<void> {
  queryClient.removeQueries({ type: 'inactive' });
  await queryClient.invalidateQueries();
  await queryClient.resetQueries({ predicate: ({ state }) => state.status === 'error' });
}

/** Opens over the page when a request needs a login, at first and after the credential has expired. */
export function Login() {
  const { isLoginWanted, wasLoggedIn } = useSession();
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [key, setKey] = useState('');

  const attempt = async (find: () => Promise<string>) => {
    setBusy(true);
    setError(undefined);
    try {
      const credential = await find();
      const answer = await request(ViewerDocument, {}, { credential, isProbe: true });
      setKey('');
      const viewer = [ViewerDocument.toString(), {}];
      const before = queryClient.getQueryData<ViewerQuery>(viewer);
      queryClient.setQueryData(viewer, answer);
      logIn(credential);
      if (before) await readAgain();
    } catch (failure) {
      setError(describe(asApiError(failure)));
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void attempt(async () => key.trim());
  };
  const { oidc } = pageConfig;
  return (
    <Modal
      opened={isLoginWanted}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={wasLoggedIn ? 'Log in again' : 'Log in to the tenant registry'}
      centered
      zIndex={500}
    >
      <Stack>
        {wasLoggedIn && (
          <Text size="sm">Your login has ended. The page behind this one keeps what you typed.</Text>
        )}
        {error && (
          <Alert color="red" role="alert" title="The login failed">
            {error}
          </Alert>
        )}
        {oidc && (
          <>
            <Button loading={isBusy} onClick={() => void attempt(() => logInByProvider(oidc))}>
              Log in with {new URL(oidc.issuer).host}
            </Button>
            <Text size="sm" c="dimmed">
              Or by an API key:
            </Text>
          </>
        )}
        <form onSubmit={submit}>
          <Stack>
            <PasswordInput
              label="API key"
              description="It stays in the memory of this tab and is forgotten when you close or reload it."
              value={key}
              onChange={(event) => setKey(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
              required
            />
            <Button
              type="submit"
              variant={oidc ? 'default' : 'filled'}
              loading={isBusy}
              disabled={key.trim() === ''}
            >
              Log in
            </Button>
          </Stack>
        </form>
      </Stack>
    </Modal>
  );
}

function describe({ code, message }: ApiError): string {
  if (code === 'UNAUTHENTICATED') return `${message}. Create a key with: tenant-registry keys create`;
  return message;
}
