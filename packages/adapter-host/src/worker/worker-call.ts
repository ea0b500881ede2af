import type { HostMessage } from './messages.js';
import type { ReportChannel } from './report-channel.js';

export type CallMessage = Extract<HostMessage, { type: 'call' }>;

/** One method of the contract that is being executed in this worker. */
export interface WorkerCall {
  readonly message: CallMessage;
  readonly controller: AbortController;
  readonly channel: ReportChannel;
}
