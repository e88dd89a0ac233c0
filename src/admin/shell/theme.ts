import { type CSSVariablesResolver, createTheme } from '@mantine/core';

/** Shades are chosen for a contrast of 4.5 : 1 at least (WCAG 2.2 AA). */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: 'sm',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontWeight: '600' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // Its header is an element that would count as the banner of the page.
    Modal: { defaultProps: { attributes: { header: { role: 'presentation' } } } },
    // All content belongs to a landmark, and a tooltip would stand outside of them.
    Tooltip: { defaultProps: { portalProps: { target: '#hints' } } },
  },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#52585f',
    '--mantine-color-placeholder': '#62686f',
    '--mantine-color-anchor': '#3b5bdb',
    '--mantine-color-red-filled': '#c92a2a',
    '--mantine-color-red-filled-hover': '#b02525',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-indigo-light-color': '#2b3f9e',
  },
  dark: {
    '--mantine-color-dimmed': '#adb5bd',
    '--mantine-color-placeholder': '#a0a7ae',
    '--mantine-color-anchor': '#91a7ff',
    '--mantine-color-red-filled': '#c92a2a',
    '--mantine-color-red-filled-hover': '#b02525',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-indigo-light-color': '#bac8ff',
  },
});
