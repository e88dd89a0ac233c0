import { oneOf, type Setting } from './setting.js';

const endpoint = 'an http or https URL such as http://collector:4318';

/**
 * The variables of OpenTelemetry that the gateway checks. OpenTelemetry reads these and its others, such as OTEL_SERVICE_NAME and
 * OTEL_EXPORTER_OTLP_HEADERS, from the environment itself.
 */
export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    default: 'none',
    expected: endpoint,
    meaning:
      'Address of a collector that takes OTLP over HTTP; `/v1/traces` is added. Together with `OTEL_TRACES_EXPORTER` it decides whether ' +
      'there are traces: without both, nothing of OpenTelemetry is loaded.',
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    default: '`OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces`',
    expected: endpoint,
    meaning: 'Full address for traces, where it differs.',
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    default: 'http/json',
    ...oneOf('http/json', 'http/protobuf'),
    meaning:
      'Accepted for the sake of shared environments. Traces are sent as JSON, which every OTLP receiver over HTTP takes.',
  },
  OTEL_TRACES_EXPORTER: {
    default: '`otlp` with an endpoint, otherwise `none`',
    ...oneOf('otlp', 'console', 'none'),
    meaning:
      'Where spans go: to the endpoint (http://localhost:4318 without one), to standard output for a look at them, or nowhere.',
  },
  OTEL_SDK_DISABLED: {
    default: 'false',
    ...oneOf('false', 'true'),
    meaning: 'Whether there are no traces, whatever else is set.',
  },
  OTEL_TRACES_SAMPLER: {
    default: 'parentbased_always_on',
    ...oneOf(
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ),
    meaning:
      'Which requests are recorded. With `parentbased_` the caller decides where it names a trace; the others ignore that.',
  },
  OTEL_TRACES_SAMPLER_ARG: {
    default: '1',
    expected: 'a number from 0 to 1, such as 0.01',
    meaning: 'Share of the requests that the samplers with `traceidratio` record.',
  },
} as const satisfies Record<string, Setting>;

/** Whether a text is such an address. */
export function isCollector(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

export function isRatio(text: string): boolean {
  return /^(?:0|1|0?\.\d{1,15}|1\.0{1,15}|0\.\d{1,15})$/.test(text);
}
