import { z } from 'zod';
import { list, text, url } from './setting-types.js';

/** Traces. The names are those of OpenTelemetry; its SDK reads the others of its settings (OTEL_BSP_…) itself. */
export const tracingSettings = {
  /** Where spans are sent, by OTLP over HTTP (`/v1/traces` is added). Without it no span is made. */
  OTEL_EXPORTER_OTLP_ENDPOINT: url('https:', 'http:').optional(),
  /** Headers of what is sent, as `name=value` with commas between; they may hold a key. */
  OTEL_EXPORTER_OTLP_HEADERS: list()
    .refine((all) => all.every((one) => /^[\w-]+=\S+$/.test(one)), {
      error: 'must be name=value, with commas between',
    })
    .default([]),
  /** `none`: no traces, whatever else is set. `otlp`: also without an endpoint, to the collector on this machine. */
  OTEL_TRACES_EXPORTER: z.enum(['none', 'otlp']).optional(),
  /** Which part of the requests is traced that come without a decision of their caller's: 0 to 1. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(0.01),
  /** The name by which this installation is found among other services. */
  OTEL_SERVICE_NAME: text().default('usher'),
};
