import {
  AppShell,
  Burger,
  Button,
  Group,
  NavLink,
  ScrollArea,
  Text,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Suspense } from 'react';
import { Link, Outlet, useLocation, useNavigate } from 'react-router';
import { useConnectionLost } from '../api/connection.js';
import { useRegistryWatch } from '../api/registry-watch.js';
import { ErrorCard } from '../parts/notices/error-card.js';
import { scopeOf, useRights } from '../session/rights.js';
import { currentCredential, logOut } from '../session/session.js';
import { Help } from './help.js';
import { openPalette, Palette } from './palette.js';
import { places } from './places.js';
import { useShortcuts } from './shortcuts.js';

/** The frame of all screens: navigation, palette, keys, and the state of the connection. */
export function Shell() {
  const { viewer, error } = useRights();
  if (!viewer)
    return (
      <main className="start">
        {error ? (
          <ErrorCard error={error} onRetry={() => location.reload()} />
        ) : (
          <Text c="dimmed">Loading…</Text>
        )}
      </main>
    );
  return <Frame actor={viewer.actor} />;
}

function Frame({ actor }: { actor: string }) {
  useRegistryWatch();
  const [isOpen, { toggle, close }] = useDisclosure();
  const { isHelpOpen, closeHelp, openHelp } = useShortcuts({ openPalette });
  const { toggleColorScheme } = useMantineColorScheme();
  const navigate = useNavigate();
  const { may } = useRights();
  const actions = [
    { id: 'theme', label: 'Change between light and dark', run: toggleColorScheme },
    { id: 'help', label: 'Show the keys', run: openHelp },
    { id: 'log-out', label: 'Log out', run: logOut },
    ...(may('registerTenant') || may('provisionTenant')
      ? [{ id: 'new-tenant', label: 'Register a tenant', run: () => navigate('/tenants/new') }]
      : []),
  ];
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <button type="button" className="skip" onClick={focusContent}>
        Skip to the content
      </button>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Link to="/" className="brand">
              <span aria-hidden className="mark" />
              Tenant registry
            </Link>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Button variant="default" size="xs" onClick={openPalette}>
              Find…
              <Text component="kbd" visibleFrom="sm" className="hint">
                Ctrl K
              </Text>
            </Button>
            <Button
              variant="subtle"
              size="xs"
              onClick={toggleColorScheme}
              aria-label="Change between light and dark"
            >
              ◐
            </Button>
            <Button variant="subtle" size="xs" visibleFrom="sm" onClick={openHelp} aria-label="Show the keys">
              ?
            </Button>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Screens">
        <AppShell.Section grow component={ScrollArea} onClick={close}>
          <Places />
        </AppShell.Section>
        <AppShell.Section px="xs" pt="xs" className="who">
          <Text size="xs" c="dimmed">
            Logged in as
          </Text>
          <Text size="xs" className="wrap" dir="auto">
            {actor}
          </Text>
          {currentCredential() !== undefined && (
            <Button size="compact-xs" variant="subtle" mt={4} onClick={logOut}>
              Log out
            </Button>
          )}
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <ConnectionBanner />
        <Suspense fallback={<Text c="dimmed">Loading…</Text>}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <Palette actions={actions} />
      <Help isOpen={isHelpOpen} onClose={closeHelp} />
    </AppShell>
  );
}

function Places() {
  const { pathname } = useLocation();
  const { may } = useRights();
  return (['Registry', 'Work', 'System'] as const).map((group) => {
    const inside = places.filter((place) => place.group === group);
    if (inside.length === 0) return null;
    return (
      <div key={group} className="places">
        <Text size="xs" c="dimmed" px="sm" pt="sm" pb={4}>
          {group}
        </Text>
        {inside.map(({ path, label, needs }) => {
          const isHere =
            path === '/' ? pathname === '/' : pathname === path || pathname.startsWith(`${path}/`);
          const isAllowed = needs === undefined || may(needs);
          return (
            <NavLink
              key={path}
              component={Link}
              to={path}
              label={label}
              active={isHere}
              aria-current={isHere ? 'page' : undefined}
              description={isAllowed ? undefined : `Needs scope ${needs && scopeOf(needs)}`}
            />
          );
        })}
      </div>
    );
  });
}

function ConnectionBanner() {
  if (!useConnectionLost()) return null;
  return (
    <div role="alert" className="banner">
      The gateway does not answer. The page tries again by itself; what you typed stays.
    </div>
  );
}

function focusContent(): void {
  document.getElementById('content')?.focus();
}
