import { abortReason } from '../contract/report-schemas.js';
import type { WireAbort } from './messages.js';

/** A signal's reason as a message. Hosts give an `AbortReasonV1`; a bare `AbortSignal.timeout()` gives an error. */
export function wireAbortFrom(reason: unknown): WireAbort {
  const contract = abortReason.safeParse(reason);
  if (contract.success) return { contract: contract.data };
  if (reason instanceof Error) return { other: { name: reason.name, message: reason.message } };
  return { other: { name: 'AbortError', message: String(reason) } };
}

/** The reason to abort with on the other side. */
export function abortFromWire(wire: WireAbort): unknown {
  return 'contract' in wire ? wire.contract : new DOMException(wire.other.message, wire.other.name);
}
