import { type Logger, noTelemetry, type Telemetry } from '../supervisor/ports/index.js';

/** An event is worth waiting for this long, no longer. */
const timeoutMs = 5_000;

/**
 * Sends events to the operator's own address. Off unless it was turned on and has an address; `DO_NOT_TRACK` wins over
 * both. An event that cannot be sent is lost: telemetry never delays or fails a run.
 */
export function createTelemetry(options: {
  readonly isOn: boolean;
  readonly url: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly fetch?: typeof fetch;
}): Telemetry {
  const { url, logger } = options;
  const doNotTrack = options.environment['DO_NOT_TRACK'];
  const isRefused = doNotTrack !== undefined && doNotTrack !== '' && doNotTrack !== '0';
  if (!options.isOn || url === undefined || isRefused) return noTelemetry;
  const send = options.fetch ?? fetch;
  return {
    track(event) {
      send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event),
        signal: AbortSignal.timeout(timeoutMs),
      })
        .then((answer) => answer.body?.cancel())
        .catch((error: unknown) => logger.debug({ err: error, event: event.name }, 'a telemetry event could not be sent'));
    },
  };
}
