import FastifyOtelInstrumentation from '@fastify/otel'
import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { AwsInstrumentation } from '@opentelemetry/instrumentation-aws-sdk'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { MySQL2Instrumentation } from '@opentelemetry/instrumentation-mysql2'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

/** Probes are many and tell nothing. */
const PROBES = new Set(['/livez', '/readyz'])

const provider = new NodeTracerProvider({
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
})
provider.register()

registerInstrumentations({
  tracerProvider: provider,
  instrumentations: [
    new HttpInstrumentation({
      ignoreIncomingRequestHook: ({ url = '' }) => PROBES.has(url),
      // The spans of the AWS SDK say the same.
      ignoreOutgoingRequestHook: () => true,
    }),
    // Statements of a transaction are sent with their values, which are nobody else's business.
    new MySQL2Instrumentation({ maskStatement: true }),
    new AwsInstrumentation({ suppressInternalInstrumentation: true }),
    new FastifyOtelInstrumentation({
      registerOnInitialization: true,
      instrumentHooks: false,
      ignorePaths: ({ url }) => PROBES.has(url),
    }),
  ],
})

/** Fields of the log lines that are written during a traced request. */
export function ids() {
  const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {}
  return traceId ? { traceId, spanId } : {}
}

/** Sends the spans that wait. */
export const stop = () => provider.shutdown()
