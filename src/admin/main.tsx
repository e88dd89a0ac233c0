import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './admin.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { RouterProvider } from 'react-router/dom';
import { queryClient } from './api/queries.js';
import { router } from './routes.js';
import { Login } from './session/login.js';
import { returnFromProvider } from './session/oidc.js';
import { basePath } from './session/page-config.js';
import { cssVariables, theme } from './shell/theme.js';

const root = document.getElementById('root');

if (location.pathname === `${basePath}/callback`) returnFromProvider(new URLSearchParams(location.search));
else if (root)
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
        <QueryClientProvider client={queryClient}>
          <Notifications position="bottom-right" />
          <RouterProvider router={router} />
          <Login />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
